/**
 * Whether a host's answers about recipients can be believed, from what it says of two addresses of
 * the domain: one that cannot exist, and postmaster, which always does (RFC 5321 4.5.1). Pure.
 *
 *   tells apart  it refuses the one and takes the other: its refusals mean something
 *   takes all    it takes what cannot exist: its yes means nothing, and it never says no
 *   refuses all  it refuses both, or the null sender: that is about us, or about the setup, and
 *                means nothing for the recipient
 *   cannot say   it put us off, or refuses the one in words that are not about the address
 *
 * Somebody of the domain whom it has taken is as good as postmaster, which not every system has.
 */
import type { Answered } from './question.js'

export type Belief =
  | { readonly kind: 'tells apart'; readonly tarpit: number }
  | { readonly kind: 'takes all' }
  | { readonly kind: 'refuses all'; readonly answer: Answered }
  | { readonly kind: 'cannot say'; readonly reason: string }

/** What the host said of the two. */
export interface Controls {
  readonly madeUp: Answered
  readonly postmaster: Answered
}

// below this a host is slow for everybody
const leastTarpit = 900

export function beliefOf({ madeUp, postmaster }: Controls, somebodyTaken: boolean): Belief {
  if (madeUp.about === 'taken') return { kind: 'takes all' }
  const { reply } = madeUp
  if (reply.code < 500) {
    return { kind: 'cannot say', reason: `it answered ${reply.code} to an address of no one` }
  }
  const somebody = somebodyTaken || exists(postmaster)
  if (!somebody && postmaster.reply.code < 500) {
    return { kind: 'cannot say', reason: `it answered ${postmaster.reply.code} to postmaster` }
  }
  if (!somebody) return { kind: 'refuses all', answer: madeUp }
  if (madeUp.about === 'address')
    return { kind: 'tells apart', tarpit: tarpitOf(madeUp, postmaster) }
  return {
    kind: 'cannot say',
    reason: 'its refusal of an address of no one is about something else',
  }
}

function exists({ about }: Answered): boolean {
  return about === 'taken' || about === 'full'
}

/** Milliseconds that it lets those wait who ask for an unknown address; 0: none. */
function tarpitOf(madeUp: Answered, postmaster: Answered): number {
  const longer = madeUp.milliseconds - (exists(postmaster) ? postmaster.milliseconds : 0)
  return longer < leastTarpit ? 0 : longer
}

/** For the log, `check` and `probe`. */
export function describeBelief(belief: Belief): string {
  switch (belief.kind) {
    case 'tells apart':
      return belief.tarpit === 0
        ? 'tells addresses apart'
        : `tells addresses apart, and takes ${seconds(belief.tarpit)} s to refuse one (a tarpit)`
    case 'takes all':
      return 'takes every address, also one that cannot exist'
    case 'refuses all':
      return 'refuses every address, postmaster too'
    case 'cannot say':
      return `cannot be asked about addresses: ${belief.reason}`
  }
}

/** Tenths below ten: `1.2`, `12`. */
export function seconds(milliseconds: number): string {
  const exact = milliseconds / 1000
  return exact < 10 ? exact.toFixed(1).replace(/\.0$/u, '') : exact.toFixed(0)
}
