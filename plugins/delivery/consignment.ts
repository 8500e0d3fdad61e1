/**
 * The words of delivery: a message, and whom it is for. A recipient goes through here forward only:
 * routed by the gateway, an addressee of its place, and what stands on the wire (smtp/envelope.ts).
 */
import type { HarakaAddress } from '../haraka/haraka.js'
import type { OutgoingMessage } from '../mail/message.js'
import type { Place } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'
import type { Outcome } from './outcome.js'

/** Whom a message is delivered to; all but the address itself is kept with a queue entry. */
export interface Addressee {
  /** the address that it is sent to, after a rewrite */
  readonly recipient: HarakaAddress
  /** as the client wrote it: `Original-Recipient` of a DSN */
  readonly original: string
  /** ORCPT for the next host, in xtext with its type: the client's own if it gave one; empty: none */
  readonly orcpt: string
  /** NOTIFY of the client's RCPT command (RFC 3461) */
  readonly notify?: string
}

/** One that was accepted, on its way: what the rcpt hooks hand to delivery. */
export interface RoutedRecipient extends Addressee {
  /** equal for what is to be delivered once */
  readonly identity: string
  readonly place: Place
  /** found undeliverable after RCPT was answered 250 (a loop): reported to the sender, not sent */
  readonly refused?: Reply
}

/** A message with all that its entries have in common. */
export interface Consignment {
  readonly uuid: string
  readonly mailFrom: HarakaAddress
  readonly message: OutgoingMessage
  /** milliseconds since 1970 at which it was taken */
  readonly since: number
  /** mailing lists that it came through (../loop/tokens.ts) */
  readonly lists: string
  /** attributes of XCLIENT: whose mail it is */
  readonly client?: string | undefined
  readonly envid?: string | undefined
  readonly ret?: string | undefined
}

/** Those of a message who are at one place. */
export interface Portion {
  readonly place: Place
  readonly addressees: readonly Addressee[]
  /** for the journal; also why it is not delivered already */
  readonly reason?: string
  /** how often it has been tried, and in how many milliseconds to try again; absent: at once */
  readonly later?: { readonly attempts: number; readonly milliseconds: number }
}

/** What became of one of them so far. */
export interface Failure {
  readonly addressee: Addressee
  readonly outcome: Outcome
}
