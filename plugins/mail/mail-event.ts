/**
 * What happens to a message, event by event: the journal's lines, and what `trace` tells. Whoever does
 * something to a message says so through `Observe`; who listens is not his business.
 *
 * No event holds a subject or a body. `uuid` is Haraka's transaction id; a queue entry's uuid has a
 * number behind it (`….1.2`), so that the story of a message is found by its beginning.
 */
interface Event {
  /** of the transaction or the queue entry */
  readonly uuid: string
}

/** A recipient on its way: as it goes to the next host, and as the client wrote it. */
export interface EventRecipient {
  readonly recipient: string
  readonly original: string
}

/** Who sent it; `host` is the name that DNS has for the address, as far as Haraka found one. */
export interface EventClient {
  readonly ip: string
  readonly host: string
  readonly hello: string
}

interface ToPlace extends Event {
  /** `connector:unix`, `mailbox-host:corp`, `outbound:example.net` */
  readonly place: string
}

/** What a host, or we in its place, said of a recipient. */
interface Answered extends ToPlace, EventRecipient {
  /** empty: no host was asked */
  readonly host: string
  /** the host's words, or the reason */
  readonly reply: string
  /** the queue entry's file; absent: while the client waited */
  readonly entry?: string
}

export type MailEvent =
  | (Event & {
      readonly kind: 'received'
      /** empty: the null sender */
      readonly sender: string
      readonly messageId: string
      readonly client: EventClient
      /** octets */
      readonly size: number
    })
  | (Event & {
      readonly kind: 'decided'
      readonly original: string
      readonly decision: string
      /** the last address of the chain, for an accepted one */
      readonly recipient?: string
      readonly place?: string
      readonly reply?: string
      readonly directory?: string
      readonly connector?: string
      readonly chain?: readonly string[]
      /** empty: the null sender */
      readonly sender?: string
      readonly client?: EventClient
    })
  | (ToPlace & {
      readonly kind: 'queued'
      readonly entry: string
      readonly recipients: readonly EventRecipient[]
      readonly reason: string
    })
  /** `uncertain` is a `deferred` whose reply says so */
  | (Answered & { readonly kind: 'delivered' | 'deferred' | 'refused' })
  /** a report to the sender: of failure or of delay */
  | (Event & {
      readonly kind: 'reported'
      readonly action: 'failed' | 'delayed'
      readonly to: string
      readonly entry: string
      readonly recipients: readonly EventRecipient[]
    })
  /** by an administrator: reported to the sender, removed without a report, taken from another gateway */
  | (ToPlace & {
      readonly kind: 'returned' | 'dropped' | 'adopted'
      readonly entry: string
      readonly recipients: readonly EventRecipient[]
      readonly by: string
      /** of an adopted one: this gateway has not seen it come */
      readonly sender?: string
      readonly messageId?: string
    })
  /** by an administrator, to all mail of a place; of no message, so `uuid` is empty */
  | (ToPlace & {
      readonly kind: 'paused' | 'resumed' | 'retried'
      readonly by: string
      readonly reason?: string
    })
  /** kept as error.* because nobody can be told, or removed from there */
  | (Event & { readonly kind: 'kept' | 'removed'; readonly entry: string; readonly reason: string })
  | (Event & EventRecipient & { readonly kind: 'loop'; readonly reply: string })

/** Takes an event. Returns at once and never throws. */
export type Observe = (event: MailEvent) => void
