/**
 * Detects a loop in a message that has arrived whole: too many hops, or the token of a recipient
 * who would go to the same connector again (loop.ts). A message all of whose recipients loop is
 * refused; of one that loops for some, those are reported to the sender and the others go on.
 */
import type { HarakaTransaction } from '../haraka/haraka.js'
import { acceptedRecipients, type Recipient } from '../haraka/recipients.js'
import { loopFieldName, type LoopTokens } from './loop.js'
import type { Reply } from './routed.js'

export const loopReply: Reply = { code: 550, enhanced: '5.4.6', text: 'routing loop detected' }
export const hopsReply: Reply = { code: 550, enhanced: '5.4.6', text: 'too many hops' }

/** The reply that refuses the whole message, or the recipients (if any) who loop. */
export function findLoops(
  transaction: HarakaTransaction,
  tokens: LoopTokens,
  maxHops: number,
): { readonly refused: Reply } | { readonly looping: ReadonlySet<Recipient> } {
  if (transaction.header.get_all('Received').length > maxHops) return { refused: hopsReply }

  const hasToken = tokens.reader(transaction.header.get_all(loopFieldName))
  const recipients = acceptedRecipients(transaction)
  const looping = new Set(recipients.filter((recipient) => loops(recipient, hasToken)))
  const all = looping.size > 0 && looping.size === transaction.rcpt_to.length
  return all ? { refused: loopReply } : { looping }
}

function loops(
  { decided: { decision } }: Recipient,
  hasToken: (connector: string, recipientKey: string) => boolean,
): boolean {
  if (!decision.accepted || decision.destination.kind !== 'connector') return false
  return hasToken(decision.destination.connector, decision.address.key)
}
