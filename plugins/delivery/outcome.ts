/**
 * What became of one recipient at a host, and what that means for a message. Pure.
 *
 *   delivered    the host said yes
 *   refused      the host said no for good (5xx): reported to the sender
 *   deferred     the host said not now (4xx)
 *   not-asked    the session ended before the host had answered: nothing was handed over
 *   unreachable  no session was to be had: nothing was handed over
 *   held         an administrator has to mend something first; it waits as long as that takes
 *   uncertain    the message was handed over whole and the answer got lost. It is tried again:
 *                a possible duplicate rather than a loss (RFC 1047)
 *
 * `unfit` is said of one host only: it lacks what the message needs. When every host of the place does,
 * the recipient is refused.
 */
import { formatReply, type SmtpReply } from './smtp/smtp-reply.js'

interface Answered {
  readonly reply: SmtpReply
  readonly host: string
}

interface Unanswered {
  readonly reason: string
  /** empty: none was spoken to */
  readonly host: string
}

export type Outcome =
  | (Answered & { readonly kind: 'delivered' })
  | (Answered & { readonly kind: 'refused' })
  | (Answered & { readonly kind: 'deferred' })
  | (Answered & { readonly kind: 'unfit' })
  | (Unanswered & { readonly kind: 'not-asked' })
  | (Unanswered & { readonly kind: 'held' })
  | (Unanswered & { readonly kind: 'uncertain' })
  /** `waitsFor`: the ways to hosts (hosts/lease.ts) that have no session for it now; absent: it is not known which they are */
  | (Unanswered & { readonly kind: 'unreachable'; readonly waitsFor?: readonly string[] })

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
