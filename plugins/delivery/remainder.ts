/**
 * What a host's answers leave of a message that a client waits for: who is to be queued, each for its time,
 * and who is to be reported. Pure.
 */
import { groupBy } from '../basics/group-by.js'
import type { Schedule } from '../decision/connectors-config.js'
import { nextAttempt } from './hosts/schedule.js'
import { isTemporary, outcomeText, type Outcome } from './outcome.js'
import type { Failure, Portion } from './consignment.js'

export interface Remainder {
  readonly portions: readonly Portion[]
  readonly failures: readonly Failure[]
}

export function isNothing({ portions, failures }: Remainder): boolean {
  return portions.length === 0 && failures.length === 0
}

/** What a host's answers leave to be queued, each for its time, and to be reported. */
export function remainder(
  { place, addressees }: Portion,
  outcomes: readonly Outcome[],
  schedule: Schedule,
): Remainder {
  const open: Failure[] = []
  const failures: Failure[] = []
  addressees.forEach((addressee, index) => {
    const outcome = outcomes[index] ?? { kind: 'not-asked', reason: 'not tried', host: '' }
    if (outcome.kind === 'refused') failures.push({ addressee, outcome })
    else if (isTemporary(outcome)) open.push({ addressee, outcome })
  })
  const portions = [...groupBy(open, ({ outcome }) => turnOf(outcome))].map(([turn, group]) => ({
    place,
    addressees: group.map(({ addressee }) => addressee),
    reason: group[0] ? outcomeText(group[0].outcome) : '',
    ...(turn === 'later' && {
      later: {
        attempts: 1,
        milliseconds: nextAttempt(
          schedule,
          1,
          group.map(({ outcome }) => outcome),
        ),
      },
    }),
  }))
  return { portions, failures }
}

/** What a host itself deferred has its time; what it was not asked for can be tried at once. */
function turnOf({ kind }: Outcome): 'now' | 'later' {
  return kind === 'deferred' || kind === 'uncertain' ? 'later' : 'now'
}

/** Equal when the same recipients are to be queued for the same time and reported. */
export function signatureOf(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ kind }) => kind).join(' ')
}
