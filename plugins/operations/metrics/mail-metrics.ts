/**
 * What one process counts of the mail: for Prometheus since its start, for the status page of the
 * last five minutes. It hears every event of a message.
 *
 * Labels are names of the configuration and words of this program. What a client, a message or DNS
 * says never becomes one: a foreign domain counts as `other`, every place by MX as `outbound`.
 */
import { LRUCache } from 'lru-cache'
import {
  Counter,
  Histogram,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client'

import { parseQueueFileName } from '../../delivery/queue/queue-heads.js'
import { momentNow, type Moment } from '../../gateway/observers.js'
import type { MailEvent } from '../../mail/mail-event.js'
import { RecentCounts } from './recent-counts.js'

/** As prom-client hands a registry from process to process. */
export type CountedMetrics = readonly MetricObjectWithValues<MetricValue<string>>[]

export interface CountSources {
  /** the name of the accepted domain that an address is in */
  acceptedDomain(address: string): string | undefined
  /** lookups by directory and result, since the start */
  lookups(): Iterable<readonly [directory: string, result: string, count: number]>
  /** answers of smart hosts about recipients, since the start */
  verifyAnswers(): Iterable<readonly [connector: string, answer: string, count: number]>
  /** lines that the journal could not write, since the start */
  journalDropped(): number
}

/** What a recent count is of. */
export type RecentKey =
  | { readonly of: 'decision'; domain: string; directory: string; rule: string; place: string }
  | { readonly of: 'attempt'; readonly place: string; readonly outcome: string }

// the first ones for clients that wait, the last ones for what waits in the queue: up to five days
const seconds = [
  0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 14_400, 43_200, 86_400, 432_000,
]

type Attempt = MailEvent & { readonly kind: 'delivered' | 'deferred' | 'refused' }

export class MailMetrics {
  private readonly registry = new Registry()
  private readonly sources: CountSources
  private readonly recent: RecentCounts
  private readonly recipients
  private readonly messages
  private readonly attempts
  /** when the content of a message arrived, of the last thousands; milliseconds */
  private readonly arrivals = new LRUCache<string, number>({ max: 10_000 })
  private readonly attemptSeconds
  private readonly queued
  private readonly reports
  private readonly loops

  constructor(sources: CountSources, recent = new RecentCounts()) {
    this.sources = sources
    this.recent = recent
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter<L>({
        name: `address_space_${name}`,
        help,
        labelNames,
        registers: [this.registry],
      })
    this.messages = counter('messages_received_total', 'Messages whose content arrived.', [])
    this.recipients = counter(
      'recipients_total',
      'Recipients decided, by rule and accepted domain; `other` is every domain that is not ours.',
      ['decision', 'domain'],
    )
    this.attempts = counter(
      'delivery_recipients_total',
      'What hosts said of recipients: delivered, deferred (tried again later) or refused.',
      ['place', 'outcome'],
    )
    this.attemptSeconds = new Histogram({
      name: 'address_space_delivery_seconds',
      help: 'Time from the arrival of a message until a host had answered for a recipient: direct (its client waited) or queued (until it was delivered or refused at last).',
      labelNames: ['place', 'outcome', 'how'] as const,
      buckets: seconds,
      registers: [this.registry],
    })
    this.queued = counter('queued_recipients_total', 'Recipients put into the queue.', ['place'])
    this.reports = counter('reports_total', 'Reports to senders: failed or delayed.', ['action'])
    this.loops = counter(
      'loops_refused_total',
      'Recipients refused since their mail circulates.',
      [],
    )
    this.addCountsKeptElsewhere()
  }

  /** Takes an event of a message. */
  observe(event: MailEvent, at = momentNow()): void {
    switch (event.kind) {
      case 'received':
        this.messages.inc()
        this.arrivals.set(event.uuid, at.clock)
        break
      case 'decided': {
        const domain = this.sources.acceptedDomain(event.original) ?? 'other'
        const { decision: rule, directory = '' } = event
        this.recipients.inc({ decision: rule, domain })
        const place = event.place === undefined ? '' : placeLabel(event.place)
        this.note({ of: 'decision', domain, directory, rule, place })
        break
      }
      case 'delivered':
      case 'deferred':
      case 'refused': {
        const place = placeLabel(event.place)
        this.attempts.inc({ place, outcome: event.kind })
        this.note({ of: 'attempt', place, outcome: event.kind })
        const how = event.entry === undefined ? 'direct' : 'queued'
        const took = this.secondsSince(event, at)
        if (took !== undefined) {
          this.attemptSeconds.observe({ place, outcome: event.kind, how }, took)
        }
        break
      }
      case 'queued':
        this.queued.inc({ place: placeLabel(event.place) }, event.recipients.length)
        break
      case 'reported':
        this.reports.inc({ action: event.action })
        break
      case 'loop':
        this.loops.inc()
        break
      case 'returned':
      case 'dropped':
      case 'adopted':
      case 'paused':
      case 'resumed':
      case 'retried':
      case 'kept':
      case 'removed':
        break
    }
  }

  /** Counts since the start, to be added up with those of other processes. */
  async counts(): Promise<CountedMetrics> {
    return await this.registry.getMetricsAsJSON()
  }

  /** Counts of the last five minutes, by `RecentKey` as JSON. */
  recentCounts(): Record<string, number> {
    return this.recent.sums()
  }

  /**
   * Since the message came. An entry of the queue has its arrival in its name; what is deferred there
   * comes again, and has no end yet.
   */
  private secondsSince({ kind, entry, uuid }: Attempt, at: Moment): number | undefined {
    if (entry === undefined) {
      const arrived = this.arrivals.get(uuid)
      return arrived === undefined ? undefined : (at.clock - arrived) / 1000
    }
    const arrival = kind === 'deferred' ? undefined : parseQueueFileName(entry)?.arrival
    return arrival === undefined ? undefined : Math.max(0, at.date - arrival) / 1000
  }

  private note(key: RecentKey): void {
    this.recent.add(JSON.stringify(key))
  }

  private addCountsKeptElsewhere(): void {
    const { sources, registry } = this
    const registers = [registry]
    const lookups = new Counter({
      name: 'address_space_directory_lookups_total',
      help: 'Lookups by directory: hit (from memory), miss (asked the server), stale (from memory, no longer fresh), error (it could not say).',
      labelNames: ['directory', 'result'] as const,
      registers,
      collect() {
        this.reset()
        for (const [directory, result, n] of sources.lookups()) this.inc({ directory, result }, n)
      },
    })
    const verified = new Counter({
      name: 'address_space_verify_answers_total',
      help: 'What smart hosts said when asked about a recipient: yes, no, or unknown (they could not say).',
      labelNames: ['connector', 'answer'] as const,
      registers,
      collect() {
        this.reset()
        for (const [connector, answer, n] of sources.verifyAnswers()) {
          this.inc({ connector, answer }, n)
        }
      },
    })
    const dropped = new Counter({
      name: 'address_space_journal_lines_dropped_total',
      help: 'Lines that the journal could not write; the mail itself went on.',
      registers,
      collect() {
        this.reset()
        this.inc(sources.journalDropped())
      },
    })
    void [lookups, verified, dropped]
  }
}

/** `outbound` for every place that a stranger can name. */
export function placeLabel(place: string): string {
  return place.startsWith('outbound:') ? 'outbound' : place
}
