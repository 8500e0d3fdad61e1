/**
 * A recipient that was accepted, on its way: what the rcpt hooks hand to delivery.
 */
import type { HarakaAddress } from '../haraka/haraka.js'
import type { Place } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'

export interface RoutedRecipient {
  /** the entry of `transaction.rcpt_to`, after a rewrite */
  readonly recipient: HarakaAddress
  /** equal for what is to be delivered once */
  readonly identity: string
  /** as the client wrote it: `ORCPT` for the next host and `Original-Recipient` of a DSN */
  readonly original: HarakaAddress
  /** the client's own ORCPT parameter, if it gave one; then it is handed on unchanged */
  readonly orcpt?: string
  /** the client's NOTIFY parameter (RFC 3461) */
  readonly notify?: string
  readonly place: Place
  /** found undeliverable after RCPT was answered 250 (a loop): reported to the sender, not sent */
  readonly refused?: Reply
}
