/**
 * Who listens to what happens to each message in this process: the journal, the metrics. Whoever
 * does something to a message tells it here and goes on; a listener must not throw or wait, and one
 * that throws all the same is no reason to keep mail back.
 */
import { formatMailAddress } from '../mail/mail-address.js'
import type { EventClient, MailEvent, Observe } from '../mail/mail-event.js'
import type { HarakaConnection, HarakaTransaction } from '../haraka/haraka.js'
import type { Reply } from '../mail/reply.js'
import type { Recipient } from './recipients.js'
import type { Decision } from '../decision/decide.js'
import type { DecisionRecord } from '../decision/decision-record.js'

export class Observers {
  private readonly listeners: Observe[] = []

  add(listener: Observe): void {
    this.listeners.push(listener)
  }

  /** Nobody listens: an event need not be made. */
  get any(): boolean {
    return this.listeners.length > 0
  }

  readonly observe: Observe = (event) => {
    for (const listener of this.listeners) {
      try {
        listener(event)
      } catch {
        // its own fault, which it has to log; the others hear the event all the same
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
