/**
 * What became of one recipient at a host, and what that means for a message. Pure.
 *
 *   delivered    the host said yes
 *   refused      the host said no for good (5xx): reported to the sender
 *   deferred     the host said not now (4xx)
 *   unreachable  no host could be asked: nothing was handed over
 *   uncertain    the message was handed over whole and the answer got lost. It is tried again:
 *                a possible duplicate rather than a loss (RFC 1047)
 */
import { formatReply, type SmtpReply } from './smtp/reply.js'

export type Outcome =
  | { readonly kind: 'delivered'; readonly reply: SmtpReply; readonly host: string }
  | { readonly kind: 'refused'; readonly reply: SmtpReply; readonly host: string }
  | { readonly kind: 'deferred'; readonly reply: SmtpReply; readonly host: string }
  | { readonly kind: 'unreachable'; readonly reason: string; readonly host: string }
  | { readonly kind: 'uncertain'; readonly reason: string; readonly host: string }

/** Whether another attempt may still deliver it. */
export function isTemporary(outcome: Outcome): boolean {
  return outcome.kind !== 'delivered' && outcome.kind !== 'refused'
}

/** The host's words, or what went wrong instead. */
export function outcomeText(outcome: Outcome): string {
  return 'reply' in outcome ? formatReply(outcome.reply) : outcome.reason
}

/** What a host's answer to a recipient, to DATA or to the final dot says of the recipient. */
export function outcomeOf(reply: SmtpReply, host: string): Outcome {
  if (reply.code >= 200 && reply.code < 300) return { kind: 'delivered', reply, host }
  return { kind: reply.code >= 500 ? 'refused' : 'deferred', reply, host }
}

/**
 * The answer for a client that waits, if it can be the hosts' own: all refused, or all deferred by
 * a host's words. `undefined`: somebody has it or may have it, or no host was reached.
 */
export function commonRefusal(outcomes: readonly Outcome[]): SmtpReply | undefined {
  const [first] = outcomes
  if (first === undefined || (first.kind !== 'refused' && first.kind !== 'deferred')) {
    return undefined
  }
  return outcomes.every((outcome) => outcome.kind === first.kind) ? first.reply : undefined
}
