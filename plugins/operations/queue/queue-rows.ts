/**
 * The queue place by place, as an administrator reads it: how much waits, since when, until when, and
 * why. Pure: entries from the folder, the states that the processes tell, what is paused, the time.
 */
import type { Pause, PlaceState } from '../../delivery/state.js'
import { groupBy } from '../../basics/group-by.js'
import { nextTryOf, type Clocks } from './next-try.js'
import type { QueueStates } from './queue-control.js'
import type { QueueEntry } from './queue-reader.js'
import { stateOf, type RowState } from './row-state.js'

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

export interface QueueFacts extends Clocks {
  readonly entries: readonly QueueEntry[]
  /** of every process; absent: no gateway runs */
  readonly states?: readonly PlaceState[]
  readonly paused: ReadonlyMap<string, Pause>
}

/** What the running gateway says, as it goes into the facts; `undefined`: none runs. */
export function toldBy(
  states: QueueStates | undefined,
): Pick<QueueFacts, 'states' | 'due' | 'parked'> {
  if (!states) return {}
  // a gateway that was started before the package was updated tells less
  const { due, parked = [] } = states as Partial<QueueStates>
  return { states: states.states, due: new Map(due), parked: new Set(parked) }
}

export const keptPlace = 'kept'

/** Upper bounds of the age columns, milliseconds; what is older stands in one more. */
export const ageBounds = [5, 20, 60, 240, 1440, 2880].map((minutes) => minutes * 60_000)

/** A row for each place with something to tell: mail, a pause, a host that is not well. */
export function queueRows({ entries, states, paused, ...clocks }: QueueFacts): QueueRow[] {
  const waiting = groupBy(entries, (entry) => (entry.kept ? keptPlace : entry.place))
  const told = groupBy(states ?? [], ({ place }) => place)
  const places = new Set([...waiting.keys(), ...told.keys(), ...paused.keys()])
  const rows = [...places].map((place): QueueRow => {
    const group = waiting.get(place) ?? []
    const known = told.get(place) ?? []
    const state: RowState =
      place === keptPlace ? { kind: 'kept' } : stateOf(states && known, paused.get(place))
    const oldest = least(group.map(({ since }) => since))
    const nextTry = least(group.flatMap((entry) => nextTryOf(entry, state, clocks) ?? []))
    return {
      place,
      messages: group.length,
      recipients: group.reduce((sum, { recipients }) => sum + recipients.length, 0),
      size: group.reduce((sum, { size }) => sum + size, 0),
      ...(oldest !== undefined && { oldest }),
      ...(nextTry !== undefined && { nextTry }),
      state,
      lastReply: known.map(({ lastReply }) => lastReply).find((reply) => reply !== '') ?? '',
      ages: agesOf(group, clocks.now),
    }
  })
  return rows
    .filter(({ messages, state }) => messages > 0 || state.kind !== 'ok')
    .filter(({ messages, state }) => messages > 0 || state.kind !== 'unknown')
    .sort(byPlace)
}

/** Domains by MX that a table has a row for; a stranger's addresses make as many as he likes. */
export const mostDomains = 50

/** For people: the domains by MX with the most mail one by one, the others together. */
export function withoutSmallDomains(rows: readonly QueueRow[], most = mostDomains): QueueRow[] {
  const domains = rows.filter(({ place, state }) => {
    return place.startsWith('outbound:') && state.kind !== 'paused'
  })
  if (domains.length <= most + 1) return [...rows]
  const small = domains.toSorted((a, b) => b.messages - a.messages).slice(most)
  const [first] = small
  if (!first) return [...rows]
  const together = small.slice(1).reduce(joinRows, first)
  const others = { ...together, place: `outbound: ${small.length} more domains`, lastReply: '' }
  const left = new Set(small)
  const shown = rows.filter((row) => !left.has(row))
  const after = shown.findLastIndex(({ place }) => place.startsWith('outbound:'))
  return shown.toSpliced(after + 1, 0, others)
}

function joinRows(a: QueueRow, b: QueueRow): QueueRow {
  const oldest = least([a.oldest, b.oldest].filter((time) => time !== undefined))
  const nextTry = least([a.nextTry, b.nextTry].filter((time) => time !== undefined))
  return {
    place: a.place,
    messages: a.messages + b.messages,
    recipients: a.recipients + b.recipients,
    size: a.size + b.size,
    ...(oldest !== undefined && { oldest }),
    ...(nextTry !== undefined && { nextTry }),
    state: a.state.kind === b.state.kind ? a.state : { kind: 'ok' },
    lastReply: a.lastReply,
    ages: a.ages.map((count, index) => count + (b.ages[index] ?? 0)),
  }
}

/** The next try of each entry. */
export function nextTries({
  entries,
  states,
  paused,
  ...clocks
}: QueueFacts): ReadonlyMap<string, number> {
  const told = groupBy(states ?? [], ({ place }) => place)
  const known = new Map<string, RowState>()
  const tries = new Map<string, number>()
  for (const entry of entries) {
    const { name, place } = entry
    const state = known.get(place) ?? stateOf(states && (told.get(place) ?? []), paused.get(place))
    known.set(place, state)
    const next = nextTryOf(entry, state, clocks)
    if (next !== undefined) tries.set(name, next)
  }
  return tries
}

function byPlace(a: QueueRow, b: QueueRow): number {
  const last = (row: QueueRow): number => (row.place === keptPlace ? 1 : 0)
  return last(a) - last(b) || (a.place < b.place ? -1 : a.place > b.place ? 1 : 0)
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
