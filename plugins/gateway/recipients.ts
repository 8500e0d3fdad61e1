/**
 * What was decided for the recipients of a transaction, from RCPT until the message is queued. A recipient
 * here is Haraka's address with its decision; delivery gets it with a place (delivery/consignment.ts), and
 * the journal hears of its two addresses (mail/mail-event.ts).
 *
 * It hangs on the transaction object itself, not on its notes: Haraka writes those into the queue.
 */
import type { Reply } from '../mail/reply.js'
import type { Decided } from '../decision/mail-switch.js'
import type { EsmtpParameters, HarakaAddress, HarakaTransaction } from '../haraka/haraka.js'

export interface Recipient {
  /** as the client wrote it */
  readonly original: HarakaAddress
  /** the entry of `rcpt_to` now: the original until it is rewritten, then the target */
  current: HarakaAddress
  /** what the decision leads to; the original itself if nothing leads on */
  readonly target: HarakaAddress
  /** whom the target means: equal for what is delivered once */
  readonly identity: string
  readonly parameters: EsmtpParameters
  readonly decided: Decided
  /** found undeliverable after it was accepted (a loop) */
  refused?: Reply
}

const byTransaction = new WeakMap<HarakaTransaction, Map<HarakaAddress, Recipient>>()

/** The recipients decided so far, by their original address, and by the one they were rewritten to. */
export function recipientsOf(transaction: HarakaTransaction): Map<HarakaAddress, Recipient> {
  const known = byTransaction.get(transaction)
  if (known) return known
  const recipients = new Map<HarakaAddress, Recipient>()
  byTransaction.set(transaction, recipients)
  return recipients
}

/** The recipient that an entry of `rcpt_to` stands for; `undefined`: it was not decided. */
export function recipientAt(
  transaction: HarakaTransaction,
  address: HarakaAddress,
): Recipient | undefined {
  const recipient = recipientsOf(transaction).get(address)
  return recipient?.current === address ? recipient : undefined
}

/** Those that were accepted and are still wanted, in the order of `rcpt_to`. */
export function acceptedRecipients(transaction: HarakaTransaction): Recipient[] {
  const accepted: Recipient[] = []
  for (const address of transaction.rcpt_to) {
    const recipient = recipientAt(transaction, address)
    if (recipient) accepted.push(recipient)
  }
  return accepted
}

/**
 * Rewrites what the decisions lead to and drops what would arrive twice. Done before DATA rather
 * than at RCPT, so that no reply shows a stranger where a contact leads.
 */
export function rewriteRecipients(transaction: HarakaTransaction): void {
  const accepted = acceptedRecipients(transaction)
  if (accepted.length < 2 && accepted.every(({ current, target }) => current === target)) return
  const seen = new Set<string>()
  transaction.rcpt_to = transaction.rcpt_to.flatMap((address) => {
    const recipient = recipientAt(transaction, address)
    if (!recipient) return address
    const { identity, target } = recipient
    if (seen.has(identity)) return []
    seen.add(identity)
    recipient.current = target
    recipientsOf(transaction).set(target, recipient)
    return target
  })
}
