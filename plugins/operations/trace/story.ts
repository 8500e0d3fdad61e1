/**
 * The story of a message: every event of one transaction, in order, from the client's RCPT to the last
 * host's words. Pure; where the events come from is find-stories.ts.
 *
 * A queue entry's id is the transaction's with numbers behind it, a report's too, so all that comes of
 * a message is found by the beginning of its id.
 */
import type { JournalLine } from '../journal/journal-line.js'
import { nextHostId } from './next-host-id.js'

export type StoryEvent = Exclude<JournalLine, { readonly kind: 'gap' }> & {
  /** the folder of the journal that tells it; absent: this gateway's own */
  readonly journal?: string
}

export interface Story {
  readonly transaction: string
  /** without brackets; empty: none, or the client never sent the message */
  readonly messageId: string
  /** empty: the null sender */
  readonly sender: string
  readonly events: readonly StoryEvent[]
}

const transactionId = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.\d+)?)/iu

/** `U.1` of `U.1.2.1`; what is no such id stands for itself. */
export function transactionOf(uuid: string): string {
  return transactionId.exec(uuid)?.[1] ?? uuid
}

/** Whether the event is of what is asked for. `what`: lower case, without brackets. */
export function speaksOf(event: StoryEvent, what: string): boolean {
  const { uuid } = event
  const id = uuid.toLowerCase()
  if (id === what || id.startsWith(`${what}.`)) return true
  return textsOf(event).some((text) => text.toLowerCase() === what)
}

/** Every name by which somebody may ask for the message. */
function textsOf(event: StoryEvent): readonly string[] {
  switch (event.kind) {
    case 'received':
      return [event.messageId, event.sender]
    case 'decided':
      return [event.original, event.recipient ?? '', event.sender ?? '', ...(event.chain ?? [])]
    case 'queued':
      return [event.entry, ...event.recipients.flatMap(both)]
    case 'returned':
    case 'dropped':
    case 'adopted': {
      const { entry, recipients, messageId = '', sender = '' } = event
      return [entry, messageId, sender, ...recipients.flatMap(both)]
    }
    case 'delivered':
    case 'deferred':
    case 'refused':
      return [...both(event), event.entry ?? '', nextHostId(event.reply) ?? '']
    case 'reported':
      return [event.entry, event.to, ...event.recipients.flatMap(both)]
    case 'kept':
    case 'removed':
      return [event.entry]
    case 'loop':
      return both(event)
    case 'paused':
    case 'resumed':
    case 'retried':
      return []
  }
}

function both({ recipient, original }: { recipient: string; original: string }): string[] {
  return [recipient, original]
}

/** Empty: the event tells none. */
export function messageIdOf(event: StoryEvent): string {
  return 'messageId' in event ? (event.messageId ?? '') : ''
}

/** The stories that the events tell, the oldest first. */
export function storiesOf(events: readonly StoryEvent[]): Story[] {
  const byTransaction = new Map<string, StoryEvent[]>()
  for (const event of events) {
    const key = transactionOf(event.uuid)
    const known = byTransaction.get(key)
    if (known) known.push(event)
    else byTransaction.set(key, [event])
  }
  return [...byTransaction]
    .map(([transaction, unordered]): Story => {
      const ordered = unordered.toSorted(byTime)
      const senders = ordered.flatMap((event) => ('sender' in event ? (event.sender ?? []) : []))
      return {
        transaction,
        messageId: ordered.map(messageIdOf).find((id) => id !== '') ?? '',
        sender: senders[0] ?? '',
        events: ordered,
      }
    })
    .toSorted((a, b) => (a.events[0] && b.events[0] ? byTime(a.events[0], b.events[0]) : 0))
}

/** What happens at one moment keeps the order in which it was written. */
function byTime(a: StoryEvent, b: StoryEvent): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0
}
