/**
 * What a queue entry of ours remembers, as JSON in the entry's notes under `address_space`. Each
 * entry has its own; nothing of the transaction's notes goes along.
 *
 * The place is kept by name, since the configuration of the time of delivery decides what it means.
 * `undecided` is a DSN's: its recipient is routed when it is delivered.
 */
import type { QueueItem, QueueNotes } from '../../haraka/outbound.js'
import type { Place } from '../../mail/place.js'

export type QueuedPlace = Place | { readonly kind: 'undecided' }

export interface RecipientNotes {
  /** the path as the client wrote it */
  readonly original: string
  /** ORCPT for the next host, in xtext with its type */
  readonly orcpt: string
  /** NOTIFY of the client's RCPT command */
  readonly notify?: string
}

export interface EntryNotes {
  readonly version: 1
  readonly place: QueuedPlace
  /** by the recipient's address in the envelope */
  readonly recipients: Readonly<Record<string, RecipientNotes>>
  /** mailing lists that the message came through (../loop.ts) */
  readonly lists: string
  /** attributes of XCLIENT */
  readonly client?: string | undefined
  readonly eightBit: boolean
  readonly utf8: boolean
  readonly envid?: string | undefined
  readonly ret?: string | undefined
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
 * gateway. What another plugin queued has notes of that plugin's, and stays as it is.
 */
export function adoptReport(item: QueueItem): boolean {
  const { mail_from: from, notes, rcpt_to: recipients } = item.todo
  const own = Object.keys(notes).every((name) => name === 'skip_plugins')
  if (!own || !from.isNull()) return false
  Object.assign(notes, toQueueNotes(undecidedNotes(recipients.map(({ address }) => address))))
  return true
}

/** Whether the entry is one of ours. */
export function isOurs(item: QueueItem): boolean {
  return typeof item.todo?.notes?.[key] === 'object'
}

/** What the entry remembers; `undefined` if it cannot be read (a newer version wrote it). */
export function readNotes(item: QueueItem): EntryNotes | undefined {
  const notes = item.todo.notes[key] as Partial<EntryNotes> | undefined
  return notes?.version === 1 && notes.place ? (notes as EntryNotes) : undefined
}

/** Leaves the entry to Haraka's own outbound. */
export function disown(item: QueueItem): void {
  delete item.todo.notes[key]
}
