/**
 * What a queue entry of ours remembers, as JSON in the entry's notes under `address_space`. Each
 * entry has its own; nothing of the transaction's notes goes along.
 *
 * The place is kept by name, since the configuration of the time of delivery decides what it means.
 * `undecided` is a DSN's: its recipient is routed when it is delivered.
 */
import type { QueueItem, QueueNotes } from '../../haraka/outbound.js'
import type { Place } from '../../mail/place.js'
import type { Addressee } from '../consignment.js'

export type QueuedPlace = Place | { readonly kind: 'undecided' }

export interface EntryNotes {
  readonly version: 1
  readonly place: QueuedPlace
  /** by the recipient's address in the envelope */
  readonly recipients: Readonly<Record<string, Omit<Addressee, 'recipient'>>>
  /** mailing lists that the message came through (../../loop/tokens.ts) */
  readonly lists: string
  /** attributes of XCLIENT */
  readonly client?: string | undefined
  readonly eightBit: boolean
  readonly utf8: boolean
  readonly envid?: string | undefined
  readonly ret?: string | undefined
  /** the sender has been told of the delay */
  readonly warned?: true
}

const key = 'address_space'

export function toQueueNotes(notes: EntryNotes): QueueNotes {
  return { [key]: notes }
}

/** Of mail that the gateway makes itself: its recipients are routed when it is delivered. */
export function undecidedNotes(recipients: readonly string[]): EntryNotes {
  return {
    version: 1,
    place: { kind: 'undecided' },
    recipients: Object.fromEntries(
      recipients.map((address) => [address, { original: address, orcpt: '' }]),
    ),
    lists: '',
    eightBit: false,
    utf8: false,
  }
}

/**
 * Takes over a report that Haraka made itself: it would go by MX, which for a domain of ours is this
 * gateway. What a client sent goes on as it was decided, also with the null sender: a client's uuid
 * has its connection's in front of it.
 */
export function adoptReport(item: QueueItem): boolean {
  const { mail_from: from, notes, rcpt_to: recipients, uuid } = item.todo
  const own = Object.keys(notes).every((name) => name === 'skip_plugins')
  if (!own || !from.isNull() || uuid.split('.').length > 2) return false
  Object.assign(notes, toQueueNotes(undecidedNotes(recipients.map(({ address }) => address))))
  return true
}

/** Whether the entry is one of ours. */
export function isOurs(item: QueueItem): boolean {
  return typeof item.todo?.notes?.[key] === 'object'
}

/** What an entry's notes hold of ours; `undefined`: nothing, or what a newer version wrote. */
export function notesOf(all: QueueNotes | undefined): EntryNotes | undefined {
  const notes = all?.[key] as Partial<EntryNotes> | undefined
  return notes?.version === 1 && notes.place ? (notes as EntryNotes) : undefined
}

/** Writes down that the sender has been told of the delay; the file is the caller's to write. */
export function markWarned(item: QueueItem, notes: EntryNotes): void {
  item.todo.notes[key] = { ...notes, warned: true }
}

/** Leaves the entry to Haraka's own outbound: it is no report to adopt. */
export function disown(item: QueueItem): void {
  item.todo.notes[key] = 'outbound'
}
