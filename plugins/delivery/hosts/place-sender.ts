/**
 * Hands a message to the hosts of a target, one after the other, until every recipient has a final
 * answer or the hosts or the time are used up.
 *
 *   a host that is left alone or full     is passed over; if no other is left: `unreachable`
 *   one that lacks what the message needs  the next one is asked; when none is fit: `refused`
 *   a reused session that ends early       one more try at once on a fresh one, for the unanswered
 *
 * The backup hosts are used while every host before them is left alone, and only then. Once a
 * recipient is delivered the other hosts are asked no more for a client that waits
 * (`oneTransaction`): what is left goes to the queue instead.
 */
import type { Soon } from '../../basics/soon.js'
import type { OutgoingMessage } from '../../mail/message.js'
import { isTemporary, outcomeText, type Outcome } from '../outcome.js'
import type { Envelope, EnvelopeRecipient } from '../smtp/envelope.js'
import { formatEndpoint, openSession, type Endpoint, type SessionOptions } from '../smtp/session.js'
import type { Timeouts } from '../smtp/timeouts.js'
import { ChunkingHosts } from '../smtp/one-flight.js'
import { sendMessage } from '../smtp/transaction.js'
import { NoSessionError, OpeningError, type Lease } from './lease.js'
import type { Sessions } from './sessions.js'
import { identityOf, loginOf, waysTo } from './target-login.js'
import type { Target } from './target.js'

export interface Shipment {
  readonly target: Target
  readonly envelope: Envelope
  readonly recipients: readonly EnvelopeRecipient[]
  readonly message: OutgoingMessage
  /** the loop field, with its line end */
  readonly prefix: string
  readonly timeouts: Timeouts
  /** by performance.now(): the final dot is sent by then, or nothing */
  readonly until: number
  readonly xclient?: string | undefined
  /** a client waits: for a session too, and for one transaction only */
  readonly oneTransaction?: boolean | undefined
  /** all outcomes as they are before the message is sent; a rejection keeps it from being sent */
  readonly beforeMessage?: ((outcomes: readonly Outcome[]) => Soon<void>) | undefined
  readonly beforeDot?: (() => void) | undefined
}

const shareForTurn = 0.75

export interface SenderParts {
  readonly sessions: Sessions
  readonly session: Pick<SessionOptions, 'gatewayName' | 'tlsOptions'>
}

export class PlaceSender {
  private readonly parts: SenderParts
  private readonly chunking = new ChunkingHosts()

  constructor(parts: SenderParts) {
    this.parts = parts
  }

  /** An outcome for each recipient. Rejects only with what `beforeMessage` or `beforeDot` threw. */
  send(shipment: Shipment): Promise<Outcome[]> {
    return new Sending(this.parts, shipment, this.chunking).run()
  }
}

/** One message on its way from host to host. */
class Sending {
  private readonly parts: SenderParts
  private readonly shipment: Shipment
  private readonly chunking: ChunkingHosts
  private readonly outcomes: Outcome[]
  private readonly login: string
  private readonly unfit = new Set<Endpoint>()
  private endpoints: readonly Endpoint[]
  private backups: readonly Endpoint[]

  constructor(parts: SenderParts, shipment: Shipment, chunking: ChunkingHosts) {
    const { target, recipients } = shipment
    this.parts = parts
    this.shipment = shipment
    this.chunking = chunking
    this.endpoints = target.endpoints
    this.backups = target.backups
    this.login = loginOf(target)
    this.outcomes = recipients.map(() => {
      return { kind: 'unreachable', reason: 'no host', host: '', waitsFor: waysTo(target) }
    })
  }

  async run(): Promise<Outcome[]> {
    while (this.goesOn()) {
      const lease = await this.lease()
      if (!lease) continue
      this.endpoints = this.endpoints.filter((endpoint) => endpoint !== lease.endpoint)
      try {
        await this.deliver(lease)
      } finally {
        lease.end()
      }
    }
    const nobodyIsFit = this.shipment.target.endpoints.every((endpoint) => this.unfit.has(endpoint))
    return this.outcomes.map((outcome): Outcome => {
      if (outcome.kind !== 'unfit') return outcome
      if (nobodyIsFit) return { ...outcome, kind: 'refused' }
      const reason = `${outcomeText(outcome)}; the other hosts give no session`
      return { kind: 'not-asked', reason, host: outcome.host }
    })
  }

  private goesOn(): boolean {
    const { until, oneTransaction } = this.shipment
    if (this.open.length === 0 || performance.now() >= until) return false
    if (oneTransaction && this.outcomes.some(({ kind }) => kind === 'delivered')) return false
    return this.endpoints.length > 0 || this.useBackups()
  }

  /** Recipients that are worth another host: not answered for good, and surely not delivered. */
  private get open(): number[] {
    const open: number[] = []
    this.outcomes.forEach((outcome, index) => {
      if (isTemporary(outcome) && outcome.kind !== 'uncertain') open.push(index)
    })
    return open
  }

  private useBackups(): boolean {
    const { sessions } = this.parts
    const { target } = this.shipment
    if (this.backups.length === 0) return false
    if (!target.endpoints.every((endpoint) => sessions.isLeftAlone(endpoint, this.login)))
      return false
    this.endpoints = this.backups
    this.backups = []
    return true
  }

  /** A session with one of the hosts; undefined: those that were tried are taken off the list. */
  private async lease(): Promise<Lease | undefined> {
    const { shipment } = this
    const { target, until, oneTransaction } = shipment
    try {
      return await this.parts.sessions.take({
        endpoints: this.endpoints,
        identity: identityOf(target, shipment.xclient),
        login: this.login,
        place: target.place,
        maxSessions: target.maxSessions,
        open: (endpoint) => openSession(endpoint, this.sessionOptions(), until),
        until,
        // who gets a session at the last moment has no time left to use it
        ...(oneTransaction && {
          patience: performance.now() + shareForTurn * (until - performance.now()),
        }),
      })
    } catch (error) {
      if (error instanceof OpeningError) {
        this.endpoints = this.endpoints.filter((endpoint) => endpoint !== error.endpoint)
        this.noSession(error.message, formatEndpoint(error.endpoint))
      } else if (error instanceof NoSessionError) {
        this.endpoints = []
        this.noSession(error.message, '')
      } else throw error
      return undefined
    }
  }

  /** A host's own words are worth more than the silence of the next. */
  private noSession(reason: string, host: string): void {
    this.outcomes.forEach((outcome, index) => {
      if (outcome.kind !== 'unreachable' || (host === '' && outcome.host !== '')) return
      this.outcomes[index] = { ...outcome, reason, host }
    })
  }

  private async deliver(lease: Lease): Promise<void> {
    let { session } = lease
    let mayRenew = lease.reused
    const isOver = (): boolean => !session.wire.usable || session.wire.isLeaving
    for (const batch of batches(this.open, this.shipment.target.maxRecipients)) {
      let left: readonly number[] = batch
      for (let before = left.length + 1; left.length > 0 && left.length < before;) {
        before = left.length
        await this.transact(session, left)
        left = left.filter((index) => this.outcomes[index]?.kind === 'not-asked')
        if (left.length === 0 || !this.mayGoOn()) break
        // there were too many for one message: the rest in the next one, as long as it gets less
        if (!isOver()) continue
        if (!mayRenew) break
        // one that was idle may have been closed by the host, or have used up its errors
        mayRenew = false
        before = left.length + 1
        const fresh = await renewed(lease)
        if (!fresh) return
        session = fresh
      }
      if (batch.some((index) => this.outcomes[index]?.kind === 'unfit')) {
        this.unfit.add(lease.endpoint)
      }
      if (isOver()) return
    }
  }

  private mayGoOn(): boolean {
    const { until, oneTransaction } = this.shipment
    if (performance.now() >= until) return false
    return !(oneTransaction && this.outcomes.some(({ kind }) => kind === 'delivered'))
  }

  private async transact(session: Lease['session'], batch: readonly number[]): Promise<void> {
    const { envelope, message, prefix, timeouts, until, beforeMessage, beforeDot } = this.shipment
    const recipients = batch.flatMap((index) => this.shipment.recipients[index] ?? [])
    const answers = await sendMessage(session, envelope, recipients, message, {
      timeouts,
      until,
      prefix,
      ...(this.shipment.target.chunking && { chunking: this.chunking }),
      ...(beforeDot && { beforeDot }),
      ...(beforeMessage && {
        beforeMessage: (provisional) => {
          const all = [...this.outcomes]
          batch.forEach((index, at) => (all[index] = provisional[at] ?? noAnswer))
          return beforeMessage(all)
        },
      }),
    })
    batch.forEach((index, at) => (this.outcomes[index] = answers[at] ?? noAnswer))
  }

  private sessionOptions(): SessionOptions {
    const { target, timeouts, xclient } = this.shipment
    const { tls, credentials, identity } = target
    return {
      ...this.parts.session,
      tls,
      ...(identity && { identity }),
      timeouts,
      ...(credentials && { credentials }),
      ...(xclient !== undefined && { xclient }),
    }
  }
}

/** Undefined: it did not become ready. */
async function renewed(lease: Lease): Promise<Lease['session'] | undefined> {
  try {
    return await lease.renew()
  } catch (error) {
    if (error instanceof OpeningError) return undefined
    throw error
  }
}

const noAnswer: Outcome = { kind: 'not-asked', reason: 'no answer', host: '' }

function batches<T>(list: readonly T[], size: number): T[][] {
  const result: T[][] = []
  for (let at = 0; at < list.length; at += size) result.push(list.slice(at, at + size))
  return result
}
