/**
 * `address-space queue`: a row a place; `address-space queue list [PLACE]`: a row an entry. Read from
 * the folder; with a running gateway also its hosts' state and the times of its clock.
 */
import { formatDuration } from '../../config/units.js'
import { printable } from '../../operations/trace/format-story.js'
import {
  ageBounds,
  keptPlace,
  queueRows,
  toldBy,
  withoutSmallDomains,
  type QueueRow,
} from '../../operations/queue/queue-rows.js'
import { stateText } from '../../operations/queue/row-state.js'
import type { QueueEntry } from '../../operations/queue/queue-reader.js'
import type { TerminalStyle } from '../terminal.js'
import { findPlace, gatewayStates, openQueue, readQueue, triesOf } from './opened-queue.js'
import { plainTable } from './plain-table.js'

export interface ListOptions {
  readonly config: string
  readonly ages?: true
  readonly json?: true
}

/** The rows, and whether a gateway runs. */
export async function readRows(config: string): Promise<{
  readonly rows: readonly QueueRow[]
  readonly running: boolean
  readonly now: number
}> {
  const opened = openQueue(config)
  const [entries, states] = await Promise.all([readQueue(opened), gatewayStates(opened)])
  const now = Date.now()
  const rows = queueRows({ entries, paused: opened.paused, now, ...toldBy(states) })
  return { rows, running: states !== undefined, now }
}

export async function listPlaces(options: ListOptions, style: TerminalStyle): Promise<string> {
  const { rows, running, now } = await readRows(options.config)
  if (options.json === true) return JSON.stringify(rows.map(rowAsJson), undefined, 2)
  const { ages = false } = options
  const shown = withoutSmallDomains(rows)
  const table = ages
    ? plainTable(
        ['place', 'messages', ...ageHeads()],
        shown.map(({ place, messages, ages }) => [
          printable(place),
          String(messages),
          ...ages.map((count) => (count === 0 ? '·' : String(count))),
        ]),
        style,
        [1, ...ageHeads().map((_, index) => index + 2)],
      )
    : plainTable(
        ['place', 'messages', 'recipients', 'oldest', 'next try', 'state', 'last words'],
        shown.map((row) => cells(row, now)),
        style,
        [1, 2],
      )
  return [...(rows.length === 0 ? [] : [table, '']), summary(rows, running)].join('\n')
}

function cells(row: QueueRow, now: number): string[] {
  const { place, messages, recipients, oldest, nextTry, state, lastReply } = row
  return [
    printable(place),
    String(messages),
    String(recipients),
    oldest === undefined ? '' : formatDuration(now - oldest),
    nextTry === undefined ? '' : untilText(nextTry, now),
    printable(stateText(state, now)),
    printable(lastReply),
  ]
}

/** Of one entry, in words. */
export function nextTryText(
  { kept }: Pick<QueueEntry, 'kept'>,
  nextTry: number | undefined,
  now: number,
): string {
  if (nextTry === undefined) return kept ? 'never' : 'when resumed'
  return untilText(nextTry, now)
}

function untilText(time: number, now: number): string {
  return time <= now ? 'now' : `in ${formatDuration(time - now)}`
}

function ageHeads(): string[] {
  return [...ageBounds.map((bound) => `< ${formatDuration(bound)}`), 'older']
}

function summary(rows: readonly QueueRow[], running: boolean): string {
  const messages = rows.reduce((sum, row) => sum + row.messages, 0)
  const recipients = rows.reduce((sum, row) => sum + row.recipients, 0)
  const kept = rows.find(({ place }) => place === keptPlace)?.messages ?? 0
  const lines = [
    messages === 0
      ? 'The queue is empty.'
      : `${messages} messages for ${recipients} recipients are in the queue.`,
    ...(kept === 0
      ? []
      : [`${kept} of them kept because nobody could be told: see \`queue list kept\`.`]),
    ...(running ? [] : ['No gateway runs: this is what is on disk.']),
  ]
  return lines.join('\n')
}

function rowAsJson(row: QueueRow): Record<string, unknown> {
  const { oldest, nextTry, state, ages, size, ...rest } = row
  return {
    ...rest,
    octets: size,
    oldest: isoTime(oldest),
    nextTry: isoTime(nextTry),
    state: 'until' in state ? { ...state, until: isoTime(state.until) } : state,
    ages: Object.fromEntries(ageHeads().map((head, index) => [head, ages[index] ?? 0])),
  }
}

export function isoTime(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString()
}

export async function listEntries(
  place: string | undefined,
  options: ListOptions,
  style: TerminalStyle,
): Promise<string> {
  const opened = openQueue(options.config)
  const [entries, states] = await Promise.all([readQueue(opened), gatewayStates(opened)])
  const now = Date.now()
  const tries = triesOf(opened, entries, states, now)
  const wanted = entries.filter(isWanted())
  if (options.json === true) {
    return JSON.stringify(
      wanted.map((entry) => entryAsJson(entry, tries.get(entry.name))),
      undefined,
      2,
    )
  }
  if (wanted.length === 0) return 'Nothing waits there.'
  return plainTable(
    ['id', 'age', 'next try', 'tries', 'place', 'sender', 'recipients'],
    wanted.map((entry) => [
      entry.uuid || entry.name,
      formatDuration(now - entry.since),
      nextTryText(entry, tries.get(entry.name), now),
      String(entry.attempts),
      entry.kept ? keptPlace : printable(entry.place),
      printable(`<${entry.sender}>`),
      printable(entry.unreadable ?? entry.recipients.map((one) => one.recipient).join(', ')),
    ]),
    style,
    [3],
  )

  function isWanted(): (entry: QueueEntry) => boolean {
    if (place === undefined) return () => true
    if (place === keptPlace) return ({ kept }) => kept
    const key = findPlace(opened, entries, place)
    if (key === undefined) throw new Error(`expected a place of the queue, got ${place}`)
    return (entry) => !entry.kept && entry.place === key
  }
}

export function entryAsJson(
  entry: QueueEntry,
  nextTry: number | undefined,
): Record<string, unknown> {
  const { uuid, name, kept, place, sender, recipients, since, attempts, size, unreadable } = entry
  return {
    id: uuid,
    file: name,
    place: kept ? keptPlace : place,
    sender,
    recipients,
    since: isoTime(since),
    nextTry: isoTime(nextTry),
    attempts,
    octets: size,
    ...(unreadable !== undefined && { unreadable }),
  }
}
