/**
 * When an entry of the queue is tried next, as far as anybody can know. Pure.
 *
 *   kept                            never
 *   its place is paused             when the pause ends; never while nobody has set an end
 *   every host is left alone        not before the first of them is tried again; then, if it waits for
 *                                   a host, else at its own time
 *   waits for a session             now: with the next one that comes free
 *   else                            when the clock of its process says; without a gateway, what its
 *                                   file's name says
 */
import type { QueueEntry } from './queue-reader.js'
import type { RowState } from './row-state.js'

export interface Clocks {
  /** file name → milliseconds since 1970 at which the process that has it tries it again */
  readonly due?: ReadonlyMap<string, number>
  /** names of files that wait for a host or a session, and not for their time */
  readonly parked?: ReadonlySet<string>
  readonly now: number
}

/** Milliseconds since 1970; `undefined`: not while things are as they are. */
export function nextTryOf(
  { name, kept, nextAttempt }: QueueEntry,
  state: RowState,
  { due, parked, now }: Clocks,
): number | undefined {
  if (kept) return undefined
  const timed = due?.get(name) ?? nextAttempt
  const waits = parked?.has(name) === true
  switch (state.kind) {
    case 'kept':
      return undefined
    case 'paused':
      return state.until
    case 'left-alone':
      return waits ? state.until : Math.max(timed, state.until)
    case 'full':
      return waits ? now : timed
    case 'ok':
    case 'unknown':
      return timed
  }
}
