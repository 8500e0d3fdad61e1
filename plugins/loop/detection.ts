/**
 * Detects a loop in a message that has arrived whole: too many hops, or the token of a recipient
 * who would go the same way again (tokens.ts). A message all of whose recipients loop is refused; of
 * one that loops for some, those are reported to the sender and the others go on.
 */
import { thenSoon, type Soon } from '../basics/soon.js'
import type { HarakaTransaction } from '../haraka/haraka.js'
import type { Decided } from '../decision/mail-switch.js'
import { listFieldName, listsOf, loopFieldName, type LoopTokens } from './tokens.js'
import type { Place } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'

export const loopReply: Reply = { code: 550, enhanced: '5.4.6', text: 'routing loop detected' }
export const hopsReply: Reply = { code: 550, enhanced: '5.4.6', text: 'too many hops' }

export interface LoopRules {
  readonly tokens: LoopTokens
  readonly maxHops: number
  /** the ways that mail for a place goes from here; having gone one of them, it has been there */
  waysTo(place: Place): Promise<readonly string[]>
}

/** What detection has to know of a recipient. */
interface Routed {
  readonly decided: Decided
}

/** The reply that refuses the whole message, or the recipients (if any) who loop. */
export function findLoops<T extends Routed>(
  transaction: HarakaTransaction,
  recipients: readonly T[],
  rules: LoopRules,
): Soon<{ readonly refused: Reply } | { readonly looping: ReadonlySet<T> }> {
  if (hopsOf(transaction) > rules.maxHops) return { refused: hopsReply }

  return thenSoon(loopingOf(transaction, recipients, rules), (looping) => {
    const all = looping.size > 0 && looping.size === transaction.rcpt_to.length
    return all ? { refused: loopReply } : { looping }
  })
}

/** Those of the recipients who would go a way that the message went before. */
export function loopingOf<T extends Routed>(
  transaction: HarakaTransaction,
  recipients: readonly T[],
  rules: LoopRules,
): Soon<Set<T>> {
  const hasToken = readerOf(transaction, rules.tokens)
  return hasToken ? thoseWith(hasToken, recipients, rules) : new Set()
}

async function thoseWith<T extends Routed>(
  hasToken: NonNullable<ReturnType<typeof readerOf>>,
  recipients: readonly T[],
  rules: LoopRules,
): Promise<Set<T>> {
  const looping = new Set<T>()
  for (const recipient of recipients) {
    const { decision } = recipient.decided
    if (!decision.accepted || decision.destination.kind === 'left') continue
    const ways = await rules.waysTo(decision.destination)
    if (ways.some((way) => hasToken(way, decision.address.key))) looping.add(recipient)
  }
  return looping
}

/** Tells whether a message that came in went a way; `undefined`: it has no loop field, as nearly all. */
export function readerOf(
  { header }: HarakaTransaction,
  tokens: LoopTokens,
): ReturnType<LoopTokens['reader']> {
  const fields = header.get_all(loopFieldName)
  if (fields.length === 0) return undefined
  return tokens.reader(fields, listsOf(header.get_all(listFieldName)))
}

/** Received fields that the message came with; the first is Haraka's own, unless it adds none. */
function hopsOf({ header, uuid }: HarakaTransaction): number {
  const received = header.get_all('Received')
  return received[0]?.includes(uuid) === true ? received.length - 1 : received.length
}
