/**
 * Who listens to what happens to each message in this process: the journal, the metrics. Whoever
 * does something to a message tells it here and goes on.
 *
 * Listeners hear events in batches, at most `batch.ms` later: what runs for one event alone between two
 * steps of a message finds the processor's caches cold, and costs several times as much. A listener must
 * not wait, and one that throws is no reason to keep mail back.
 */
import { formatMailAddress } from '../mail/mail-address.js'
import type { EventClient, MailEvent, Observe } from '../mail/mail-event.js'
import type { HarakaConnection, HarakaTransaction } from '../haraka/haraka.js'
import type { Reply } from '../mail/reply.js'
import type { Recipient } from './recipients.js'
import type { Decision } from '../decision/decide.js'
import type { DecisionRecord } from '../decision/decision-record.js'

/** When an event happened. */
export interface Moment {
  /** milliseconds since 1970 */
  readonly date: number
  /** by performance.now() */
  readonly clock: number
}

export function momentNow(): Moment {
  return { date: Date.now(), clock: performance.now() }
}

export type Listener = (event: MailEvent, at: Moment) => void

const batch = { events: 64, ms: 50 }

export class Observers {
  private readonly listeners = new Set<Listener>()
  private waiting: [MailEvent, Moment][] = []
  private timer: NodeJS.Timeout | undefined

  add(listener: Listener): void {
    this.listeners.add(listener)
  }

  remove(listener: Listener): void {
    this.flush()
    this.listeners.delete(listener)
  }

  /** Nobody listens: an event need not be made. */
  get any(): boolean {
    return this.listeners.size > 0
  }

  readonly observe: Observe = (event) => {
    if (!this.any) return
    this.waiting.push([event, momentNow()])
    if (this.waiting.length >= batch.events) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), batch.ms).unref()
  }

  /** The listeners hear now what they have not heard yet; for who asks them, and at the end. */
  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const events = this.waiting
    this.waiting = []
    for (const listener of this.listeners) {
      for (const [event, at] of events) {
        try {
          listener(event, at)
        } catch {
          // its own fault, which it has to log; the others hear the event all the same
        }
      }
    }
  }
}

/** The event of a decision, from its record. */
export function decidedEvent(
  uuid: string,
  record: DecisionRecord,
  decision: Decision,
  from: { readonly sender?: string; readonly client?: EventClient } = {},
): MailEvent {
  const { recipient: original, decision: rule, place, reply, directory, connector, chain } = record
  return {
    kind: 'decided',
    uuid,
    original,
    decision: rule,
    ...(decision.accepted && { recipient: formatMailAddress(decision.address) }),
    ...(place !== undefined && { place }),
    ...(reply !== undefined && { reply }),
    ...(directory !== undefined && { directory }),
    ...(connector !== undefined && { connector }),
    ...(chain && { chain }),
    ...from,
  }
}

/** Who sends, as events tell it. */
export function eventClient({ remote, hello }: HarakaConnection): EventClient {
  return { ip: remote.ip, host: remote.host ?? '', hello: hello.host ?? '' }
}

/** The event of a recipient who would go a way again, or of a message with too many hops. */
export function loopEvent(
  { uuid }: HarakaTransaction,
  { original, target }: Recipient,
  { code, enhanced, text }: Reply,
): MailEvent {
  const reply = `${code} ${enhanced} ${text}`
  return { kind: 'loop', uuid, recipient: target.address, original: original.address, reply }
}
