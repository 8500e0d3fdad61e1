/**
 * The queue of an install as commands see it: read from the folder, with what the running gateway
 * knows beside it. Which entry and which place an administrator means is found here too.
 */
import { userInfo } from 'node:os'

import { errorText } from '../../basics/error-text.js'
import { ConfigError } from '../../config/settings.js'
import { askGateway } from '../../operations/control/control-client.js'
import type { ControlRequest } from '../../operations/control/protocol.js'
import type { InstallPaths } from '../../operations/install-paths.js'
import { readPauses, type WrittenPause } from '../../operations/pauses.js'
import type { QueueStates } from '../../operations/queue/queue-control.js'
import { nextTries, toldBy } from '../../operations/queue/queue-rows.js'
import { QueueReader, type QueueEntry } from '../../operations/queue/queue-reader.js'
import { configurationOf, readInstall, type Install } from '../opened-install.js'
import { pathsOf } from '../check/paused.js'
import { ProgressBar } from '../progress-bar.js'

export interface OpenedQueue {
  readonly install: Install
  readonly paths: InstallPaths
  readonly paused: ReadonlyMap<string, WrittenPause>
}

/** Throws if there is no install, or what is paused cannot be read. */
export function openQueue(config: string): OpenedQueue {
  const install = readInstall(config)
  const paths = pathsOf(install)
  return { install, paths, paused: pausesOf(paths) }
}

function pausesOf({ control }: InstallPaths): Map<string, WrittenPause> {
  try {
    return readPauses(control)
  } catch (error) {
    throw new Error(`what is paused cannot be read in ${control}: ${errorText(error)}`, {
      cause: error,
    })
  }
}

/** The entries, with a bar while it takes long. */
export async function readQueue({ paths }: OpenedQueue): Promise<QueueEntry[]> {
  const bar = new ProgressBar('Reading the queue')
  try {
    return await new QueueReader(paths.queue, { alone: true }).entries((done, of) => {
      bar.at(of === 0 ? undefined : done / of, `${done} of ${of}`)
    })
  } catch (error) {
    throw new Error(`the queue cannot be read in ${paths.queue}: ${errorText(error)}`, {
      cause: error,
    })
  } finally {
    bar.end()
  }
}

/** `undefined`: no gateway runs. */
export async function gatewayStates({ paths }: OpenedQueue): Promise<QueueStates | undefined> {
  return (await askGateway(paths.control, { command: 'states' })) as QueueStates | undefined
}

/** Of each of these entries, by its file. */
export function triesOf(
  { paused }: OpenedQueue,
  entries: readonly QueueEntry[],
  states: QueueStates | undefined,
  now: number,
): ReadonlyMap<string, number> {
  return nextTries({ entries, paused, now, ...toldBy(states) })
}

/** Asks the running gateway; `undefined`: none runs. */
export async function ask(
  { paths }: OpenedQueue,
  request: ControlRequest,
  progressText?: string,
): Promise<unknown> {
  const bar = progressText === undefined ? undefined : new ProgressBar(progressText)
  try {
    return await askGateway(paths.control, request, (done, of) =>
      bar?.at(of === 0 ? undefined : done / of, of === 0 ? '' : `${done} of ${of}`),
    )
  } finally {
    bar?.end()
  }
}

/** Who runs the command, for the journal. */
export function whoAmI(): string {
  const { username } = userInfo()
  const before = process.env['SUDO_USER']
  return before === undefined || before === username ? username : `${before} as ${username}`
}

/** The one entry that the text means: its id, the beginning of it, or its file. Throws if it is not one. */
export function findEntry(entries: readonly QueueEntry[], text: string): QueueEntry {
  const found = matching(entries, text)
  const [entry, ...others] = found
  if (!entry) throw new Error(`expected the id of an entry in the queue, got ${text}\n${idHint}`)
  if (others.length === 0) return entry
  const ids = found.slice(0, 10).map(({ uuid, name }) => `  ${uuid || name}`)
  throw new Error(`${text} is ${found.length} entries; name one of them:\n${ids.join('\n')}`)
}

const idHint = 'The ids are shown by: address-space queue list'

function matching(entries: readonly QueueEntry[], text: string): QueueEntry[] {
  const id = text.toLowerCase()
  const exact = entries.filter(({ uuid, name }) => uuid.toLowerCase() === id || name === text)
  if (exact.length > 0 || id === '') return exact
  return entries.filter(({ uuid }) => uuid.toLowerCase().startsWith(id))
}

/**
 * The key of the place that the text means: `connector:unix`, or `unix` where only one place has that
 * name. `undefined`: it is none.
 */
export function findPlace(
  opened: OpenedQueue,
  entries: readonly QueueEntry[],
  text: string,
): string | undefined {
  const places = new Set([
    ...configuredPlaces(opened.install),
    ...entries.filter(({ kept }) => !kept).map(({ place }) => place),
    ...opened.paused.keys(),
  ])
  if (places.has(text)) return text
  const named = [...places].filter((place) => place.split(/:(.*)/su)[1] === text)
  if (named.length > 1) {
    throw new Error(`${text} is several places; name one of them: ${named.join(', ')}`)
  }
  return named[0]
}

/** What a faulty configuration names is not known; the queue's own places are. */
export function configuredPlaces(install: Install): string[] {
  try {
    const { connectors, directories } = configurationOf(install)
    return [
      ...[...(connectors?.connectors.keys() ?? [])].map((name) => `connector:${name}`),
      ...(directories?.directories ?? []).map(({ name }) => `mailbox-host:${name}`),
    ]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return []
  }
}
