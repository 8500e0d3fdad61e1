/**
 * How a place of the queue is, in one word: what the hosts of all processes together are, or that an
 * administrator holds its mail back. Pure.
 */
import { formatDuration } from '../../config/units.js'
import type { HostState, Pause, PlaceState } from '../../delivery/state.js'

export type RowState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'paused'; readonly reason: string; readonly until?: number }
  | { readonly kind: 'left-alone'; readonly until: number; readonly reason: string }
  | { readonly kind: 'full'; readonly sessions: number }
  /** error.* files */
  | { readonly kind: 'kept' }
  /** no gateway runs, or it did not answer */
  | { readonly kind: 'unknown' }

/** A pause goes before what the hosts are; hosts are told of only if none of them is well. */
export function stateOf(
  states: readonly PlaceState[] | undefined,
  pause: Pause | undefined,
): RowState {
  if (pause) {
    const { reason, until } = pause
    return { kind: 'paused', reason, ...(until !== undefined && { until }) }
  }
  if (!states) return { kind: 'unknown' }
  const hosts = states.flatMap((state) => state.hosts)
  const are = (condition: HostState['condition']): HostState[] =>
    hosts.filter((host) => host.condition === condition)
  const [alone, full] = [are('left-alone'), are('full')]
  if (full.length > 0 && are('well').length === 0) {
    return { kind: 'full', sessions: full.reduce((sum, { limit }) => sum + limit, 0) }
  }
  if (alone.length > 0 && alone.length === hosts.length) {
    const soonest = alone.reduce((a, b) => ((a.until ?? 0) <= (b.until ?? 0) ? a : b))
    return { kind: 'left-alone', until: soonest.until ?? 0, reason: soonest.reason }
  }
  return { kind: 'ok' }
}

/** `ok`, `left alone for 40 s`, `full (12)`, `paused: maintenance, for 2 h more`. */
export function stateText(state: RowState, now: number): string {
  switch (state.kind) {
    case 'ok':
      return 'ok'
    case 'kept':
      return 'kept: nobody could be told'
    case 'unknown':
      return 'no gateway runs'
    case 'full':
      return `full (${state.sessions})`
    case 'left-alone':
      return state.until > now
        ? `left alone for ${formatDuration(state.until - now)}`
        : 'left alone: is tried with the next message'
    case 'paused': {
      const end = state.until === undefined ? '' : `, for ${formatDuration(state.until - now)} more`
      return `paused: ${state.reason}${end}`
    }
  }
}
