/**
 * `address-space trace WHAT`: what happened to a message, as one story: client and sender, each
 * recipient's decision, each queue entry, each attempt with the host's words, each report. It reads
 * the journal, and the queue for what is still in it.
 *
 * Exit code 1 if nothing is found, or there is no journal.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Command } from 'commander'
import { createColors } from 'picocolors'

import { durationForm, parseDuration } from '../config/units.js'
import { findStories, mostStories, type Found } from '../operations/trace/find-stories.js'
import { formatStory, type StillQueued } from '../operations/trace/format-story.js'
import { peerStories } from '../operations/trace/peer-stories.js'
import { storiesOf, transactionOf, type Story, type StoryEvent } from '../operations/trace/story.js'
import { operationsFile, parseOperationsConfig } from '../operations/operations-config.js'
import { readSecretFile } from '../config/secret-file.js'
import { configOption } from './install-dir.js'
import { isoTime } from './queue/list.js'
import {
  ask,
  gatewayStates,
  openQueue,
  readQueue,
  triesOf,
  type OpenedQueue,
} from './queue/opened-queue.js'
import { ProgressBar } from './progress-bar.js'
import { terminalStyle } from './terminal.js'

// messages of an address that the others are asked about by their Message-IDs
const mostAsked = 10

interface Options {
  readonly config: string
  readonly since?: string
  readonly journal?: readonly string[]
  readonly peer?: readonly string[]
  readonly json?: true
}

export function addTrace(program: Command): void {
  program
    .command('trace')
    .description('what happened to a message, from the client to the last host')
    .argument('<what>', 'a Message-ID, a transaction id, the next host’s queue id, or an address')
    .option('--since <time>', 'only what happened in the last 2h, 3d …')
    .option('--journal <dir...>', 'journals of other gateways to read along')
    .option('--peer <url...>', 'status pages of other gateways to ask, beside `peers` of [status]')
    .option('--json', 'one JSON object a story and line, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  address-space trace '<20260301.4711@client.example>'
  address-space trace anna@example.com --since 2d
  address-space trace 4X3Yz12abc                    the id that the next host gave it

The journal is switched on by the section [journal] of config/address-space.ini.`,
    )
    .action(trace)
}

async function trace(what: string, options: Options): Promise<void> {
  const opened = openQueue(options.config)
  const { journal } = opened.paths
  const others = (options.journal ?? []).map((dir) => resolve(dir))
  for (const folder of others) {
    if (!existsSync(folder)) throw new Error(`expected the folder of a journal, got ${folder}`)
  }
  // what has just happened stands in the journal then
  await ask(opened, { command: 'flush' })
  const peers = peersOf(opened, options)
  if (!existsSync(journal) && others.length === 0 && peers.urls.length === 0) {
    throw new Error(
      `expected a journal in ${journal}, got none: add a section [journal] to ` +
        'config/address-space.ini; `address-space init` shows it',
    )
  }
  const search: Search = { folder: journal, others, since: sinceOf(options) }
  const own = await find(what, search)
  const stories = await withPeers(what, own.stories, peers, search)
  const { more } = own
  if (stories.length === 0) throw new Error(`the journal knows nothing of ${what}`)
  const queued = await stillQueued(opened, stories)
  const { colours } = terminalStyle()
  const now = Date.now()
  for (const story of stories) {
    const waiting = queued.get(story.transaction) ?? []
    console.log(
      options.json === true
        ? JSON.stringify({ ...story, queued: waiting.map(asJson) })
        : formatStory(story, waiting, now, createColors(colours)),
    )
  }
  if (more) console.error(`More than ${mostStories} messages: the newest are shown; see --since.`)
}

function sinceOf({ since }: Options): number | undefined {
  if (since === undefined) return undefined
  const ms = parseDuration(since)
  if (ms === undefined) throw new Error(`--since: expected ${durationForm}, got \`${since}\``)
  return Date.now() - ms
}

interface Search {
  readonly folder: string
  readonly others: readonly string[]
  readonly since: number | undefined
}

async function find(what: string, { folder, others, since }: Search): Promise<Found> {
  const bar = new ProgressBar('Reading the journal')
  try {
    return await findStories({
      what,
      folder,
      others,
      ...(since !== undefined && { since }),
      progress: (octets) => bar.at(undefined, `${Math.round(octets / 1024 ** 2)} MB`),
    })
  } finally {
    bar.end()
  }
}

interface Peers {
  readonly urls: readonly string[]
  /** what their status pages want to see; empty: none */
  readonly token: string
}

function peersOf({ install }: OpenedQueue, options: Options): Peers {
  const { status } = parseOperationsConfig(install.lines(operationsFile))
  const given = (options.peer ?? []).map((url) => url.replace(/\/+$/u, ''))
  const wrong = given.find((url) => !/^https?:\/\//u.test(url))
  if (wrong !== undefined) {
    throw new Error(`--peer: expected an address such as http://192.0.2.2:9904, got ${wrong}`)
  }
  const urls = [...new Set([...status.peers, ...given])]
  const wanted = urls.length > 0 && status.tokenFile !== ''
  return { urls, token: wanted ? readSecretFile(install.configDir, status.tokenFile) : '' }
}

/** The other gateways know it by the same name, or by the Message-ID that it has here; and so back. */
async function withPeers(
  what: string,
  own: readonly Story[],
  { urls, token }: Peers,
  search: Search,
): Promise<readonly Story[]> {
  if (urls.length === 0) return own
  const ids = own.map(({ messageId }) => messageId).filter((id) => id !== '')
  const names = [...new Set([what, ...ids.slice(0, mostAsked)])]
  const answers = await Promise.all(
    urls.flatMap((url) => names.map((name) => peerStories(url, name, token))),
  )
  const failed = new Map(answers.flatMap((one) => (one.failed ? [[one.peer, one.failed]] : [])))
  for (const [peer, why] of failed) console.error(`${peer} cannot be asked: ${why}`)
  const theirs = storiesOf(onceEach(answers.flatMap(({ events }) => events)))
  const unknown = theirs.flatMap(({ messageId }) =>
    messageId === '' || ids.includes(messageId) ? [] : [messageId],
  )
  const more = await Promise.all(unknown.slice(0, mostAsked).map((id) => find(id, search)))
  const stories = [...own, ...theirs, ...more.flatMap((found) => found.stories)]
  return storiesOf(onceEach(stories.flatMap(({ events }) => events)))
}

function onceEach(events: readonly StoryEvent[]): StoryEvent[] {
  return [...new Map(events.map((event) => [JSON.stringify(event), event])).values()]
}

/** Entries of these transactions that are in the queue now. */
async function stillQueued(
  opened: OpenedQueue,
  stories: readonly Story[],
): Promise<Map<string, StillQueued[]>> {
  const wanted = new Set(stories.map(({ transaction }) => transaction))
  const queued = new Map<string, StillQueued[]>()
  const [entries, states] = await Promise.all([readQueue(opened), gatewayStates(opened)])
  const tries = triesOf(opened, entries, states, Date.now())
  for (const entry of entries) {
    const transaction = transactionOf(entry.uuid)
    if (!wanted.has(transaction)) continue
    const nextTry = tries.get(entry.name)
    queued.set(transaction, [...(queued.get(transaction) ?? []), { ...entry, nextTry }])
  }
  return queued
}

function asJson({ name, place, recipients, kept, nextTry }: StillQueued): Record<string, unknown> {
  return { file: name, place, recipients, kept, nextTry: isoTime(nextTry) }
}
