/**
 * The queue place by place, as an administrator reads it: how much waits, since when, until when, and
 * why. Pure: entries from the folder, the states that the processes tell, what is paused, the time.
 */
import { formatDuration } from '../../config/units.js'
import type { HostState, Pause, PlaceState } from '../../delivery/state.js'
import { groupBy } from '../../basics/group-by.js'
import type { QueueEntry } from './queue-reader.js'

export interface QueueRow {
  /** `connector:unix` …, `report`, or `kept` for what nobody could be told of (`error.*`) */
  readonly place: string
  readonly messages: number
  readonly recipients: number
  /** octets of the files */
  readonly size: number
  /** milliseconds since 1970; absent: nothing waits */
  readonly oldest?: number
  readonly nextTry?: number
  readonly state: RowState
  /** of a host, the last that were no yes; empty: none known */
  readonly lastReply: string
  /** messages by age, as many as `ageBounds` and one more */
  readonly ages: readonly number[]
}

export type RowState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'paused'; readonly reason: string; readonly until?: number }
  | { readonly kind: 'left-alone'; readonly until: number; readonly reason: string }
  | { readonly kind: 'full'; readonly sessions: number }
  /** error.* files */
  | { readonly kind: 'kept' }
  /** no gateway runs, or it did not answer */
  | { readonly kind: 'unknown' }

export interface QueueFacts {
  readonly entries: readonly QueueEntry[]
  /** of every process; absent: no gateway runs */
  readonly states?: readonly PlaceState[]
  /** file name → milliseconds since 1970 at which the process that has it tries it again */
  readonly due?: ReadonlyMap<string, number>
  readonly paused: ReadonlyMap<string, Pause>
  readonly now: number
}

export const keptPlace = 'kept'

/** Upper bounds of the age columns, milliseconds; what is older stands in one more. */
export const ageBounds = [5, 20, 60, 240, 1440, 2880].map((minutes) => minutes * 60_000)

/** A row for each place with something to tell: mail, a pause, a host that is not well. */
export function queueRows({ entries, states, due, paused, now }: QueueFacts): QueueRow[] {
  const waiting = groupBy(entries, (entry) => (entry.kept ? keptPlace : entry.place))
  const told = groupBy(states ?? [], ({ place }) => place)
  const places = new Set([...waiting.keys(), ...told.keys(), ...paused.keys()])
  const rows = [...places].map((place): QueueRow => {
    const group = waiting.get(place) ?? []
    const state = told.get(place) ?? []
    const oldest = least(group.map(({ since }) => since))
    const nextTry = least(
      group.filter(({ kept }) => !kept).map((entry) => due?.get(entry.name) ?? entry.nextAttempt),
    )
    return {
      place,
      messages: group.length,
      recipients: group.reduce((sum, { recipients }) => sum + recipients.length, 0),
      size: group.reduce((sum, { size }) => sum + size, 0),
      ...(oldest !== undefined && { oldest }),
      ...(nextTry !== undefined && { nextTry }),
      state: place === keptPlace ? { kind: 'kept' } : stateOf(states && state, paused.get(place)),
      lastReply: state.map(({ lastReply }) => lastReply).find((reply) => reply !== '') ?? '',
      ages: agesOf(group, now),
    }
  })
  return rows
    .filter(({ messages, state }) => messages > 0 || state.kind !== 'ok')
    .filter(({ messages, state }) => messages > 0 || state.kind !== 'unknown')
    .sort(byPlace)
}

function byPlace(a: QueueRow, b: QueueRow): number {
  const last = (row: QueueRow): number => (row.place === keptPlace ? 1 : 0)
  return last(a) - last(b) || (a.place < b.place ? -1 : a.place > b.place ? 1 : 0)
}

/** A pause goes before what the hosts are; hosts are told of only if none of them is well. */
function stateOf(states: readonly PlaceState[] | undefined, pause: Pause | undefined): RowState {
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

function agesOf(entries: readonly QueueEntry[], now: number): number[] {
  const ages = [...ageBounds.map(() => 0), 0]
  for (const { since } of entries) {
    const bucket = ageBounds.findIndex((bound) => now - since < bound)
    const index = bucket === -1 ? ageBounds.length : bucket
    ages[index] = (ages[index] ?? 0) + 1
  }
  return ages
}

function least(numbers: readonly number[]): number | undefined {
  return numbers.length === 0
    ? undefined
    : numbers.reduce((least, one) => (one < least ? one : least))
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
