/**
 * What may have become of one message after the gateway was killed in the middle of a command, and
 * after it was started again and its queue had drained. Pure.
 *
 *   retry, pause, resume, adopt   it came once
 *   return                        it came, or its sender was told; told, if the command had said so
 *   drop                          it came once or not; not, if the command had said so
 *
 * Twice is no fault if the first copy was whole at the host when the kill came: its answer is lost.
 */
export const verbs = ['retry', 'pause', 'resume', 'return', 'drop', 'adopt'] as const
export type Verb = (typeof verbs)[number]

/** What the command said. */
export type Outcome = 'done' | 'cut off'

export interface Fate {
  readonly subject: string
  /** absent: nothing was asked of this message */
  readonly outcome: Outcome | undefined
  /** when the final dot of each copy had come, and of the kill: by performance.now() */
  readonly copies: readonly number[]
  readonly killedAt: number
  /** copies of the report of its failure, to its sender */
  readonly reports: readonly number[]
}

// milliseconds between a host's 250 and the gateway's having written it down, on a busy machine
const dot = 300

export function judge(
  verb: Verb,
  { subject, outcome, copies, killedAt, reports }: Fate,
): { readonly faults: readonly string[]; readonly twiceByTheDot: number } {
  const faults: string[] = []
  const expect = (holds: boolean, otherwise: string): void => {
    if (!holds) faults.push(`${subject} ${otherwise}`)
  }
  const byTheDot = (all: readonly number[]): boolean =>
    all.length === 2 && Math.abs((all[0] ?? 0) - killedAt) < dot
  for (const [what, all] of [
    ['came', copies],
    ['was reported', reports],
  ] as const) {
    expect(all.length <= 1 || byTheDot(all), `${what} ${all.length} times`)
  }
  const [got, told] = [copies.length > 0, reports.length > 0]
  if (verb === 'return' && outcome !== undefined) {
    expect(got !== told, got ? 'came, and was reported as failed' : 'is lost')
    expect(outcome !== 'done' || told, 'was returned without a report')
  } else if (verb === 'drop' && outcome !== undefined) {
    expect(outcome !== 'done' || !got, 'was dropped, and came')
    expect(!told, 'was dropped, and reported')
  } else {
    expect(got, 'is lost')
    expect(!told, 'was reported as failed')
  }
  return { faults, twiceByTheDot: [copies, reports].filter(byTheDot).length }
}
