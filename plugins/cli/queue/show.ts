/**
 * `address-space queue show ID`: one entry: sender, recipients with what the client wrote, place,
 * each attempt with the host's words (from the journal), the next try. Never the body.
 */
import { formatDuration } from '../../config/units.js'
import { findStories } from '../../operations/trace/find-stories.js'
import { printable } from '../../operations/trace/format-story.js'
import { transactionOf, type StoryEvent } from '../../operations/trace/story.js'
import { keptPlace } from '../../operations/queue/queue-rows.js'
import type { QueueEntry } from '../../operations/queue/queue-reader.js'
import { entryAsJson, isoTime, nextTryText } from './list.js'
import {
  ask,
  findEntry,
  gatewayStates,
  openQueue,
  readQueue,
  triesOf,
  type OpenedQueue,
} from './opened-queue.js'

type Attempt = StoryEvent & { readonly kind: 'delivered' | 'deferred' | 'refused' }

export async function showEntry(
  id: string,
  options: { readonly config: string; readonly json?: true },
): Promise<string> {
  const opened = openQueue(options.config)
  const entry = findEntry(await readQueue(opened), id)
  const states = await gatewayStates(opened)
  const now = Date.now()
  const next = triesOf(opened, [entry], states, now).get(entry.name)
  const attempts = await attemptsOf(opened, entry)
  if (options.json === true) {
    const tries = attempts.map(({ time, kind, recipient, host, reply }) => {
      return { time, kind, recipient, host, reply }
    })
    return JSON.stringify({ ...entryAsJson(entry, next), tries }, undefined, 2)
  }
  const pause = opened.paused.get(entry.place)
  const rows: [string, string][] = [
    ['file', entry.name],
    ['sender', `<${entry.sender}>`],
    ...entry.recipients.map(({ recipient, original }): [string, string] => [
      'recipient',
      recipient === original ? `<${recipient}>` : `<${recipient}>, written as <${original}>`,
    ]),
    ['place', entry.kept ? `${keptPlace}: nobody could be told` : entry.place],
    ['since', `${isoTime(entry.since)} (${formatDuration(now - entry.since)})`],
    ['octets', String(entry.size)],
    ...(entry.kept ? [] : [['next try', nextTryText(entry, next, now)] as [string, string]]),
    ...(pause ? [['paused', pause.reason] as [string, string]] : []),
    ...(entry.unreadable === undefined
      ? []
      : [['unreadable', entry.unreadable] as [string, string]]),
    ...attempts.map(({ time, kind, recipient, host, reply }): [string, string] => [
      'attempt',
      `${time} ${kind} <${recipient}>${host === '' ? '' : ` at ${host}`}: ${reply}`,
    ]),
    ...(attempts.length === 0
      ? [['attempts', `${entry.attempts}; the journal tells of none`] as [string, string]]
      : []),
  ]
  return rows.map(([name, text]) => `${name.padEnd(10)} ${printable(text)}`).join('\n')
}

/** Those of this entry, and those before it was queued. */
async function attemptsOf(opened: OpenedQueue, entry: QueueEntry): Promise<Attempt[]> {
  if (entry.uuid === '') return []
  await ask(opened, { command: 'flush' })
  const transaction = transactionOf(entry.uuid)
  const { stories } = await findStories({ what: transaction, folder: opened.paths.journal })
  const whom = new Set(entry.recipients.map(({ recipient }) => recipient))
  return stories.flatMap(({ events }) =>
    events.flatMap((event) => (isAttempt(event) && whom.has(event.recipient) ? [event] : [])),
  )
}

function isAttempt(event: StoryEvent): event is Attempt {
  return event.kind === 'delivered' || event.kind === 'deferred' || event.kind === 'refused'
}
