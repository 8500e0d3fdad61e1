/**
 * What `address-space queue` does to the queue: retry, pause, resume, return, drop, adopt. With a
 * running gateway it asks that one. Without one, what can be done on disk is done there: what is
 * paused is written down for the next start, an entry is made due, removed, adopted, or becomes the
 * report to its sender.
 */
import { rename, unlink } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'

import { durationForm, formatDuration, parseDuration } from '../../config/units.js'
import { parseQueueFileName, queueFileName } from '../../delivery/queue/queue-heads.js'
import { makeOwnedFolder } from '../../operations/owned-folder.js'
import { changePauses } from '../../operations/pauses.js'
import { adoptedEvent } from '../../operations/queue/adopted-event.js'
import { adoptFolder, type AdoptionResult } from '../../operations/queue/adopt.js'
import { assertReturnable, returnEntry } from '../../operations/queue/return-entry.js'
import { signOfLife } from '../../operations/queue/signs-of-life.js'
import type { QueueEntry } from '../../operations/queue/queue-reader.js'
import type { MailEvent } from '../../mail/mail-event.js'
import { JournalWriter } from '../../operations/journal/journal-writer.js'
import { operationsFile, parseOperationsConfig } from '../../operations/operations-config.js'
import { commandEnvironment } from '../opened-install.js'
import { ProgressBar } from '../progress-bar.js'
import {
  ask,
  findEntry,
  findPlace,
  openQueue,
  readQueue,
  whoAmI,
  type OpenedQueue,
} from './opened-queue.js'

/** PLACE or ID: now. */
export async function retry(config: string, text: string): Promise<string> {
  const opened = openQueue(config)
  const entries = await readQueue(opened)
  const place = findPlace(opened, entries, text)
  const meant =
    place === undefined
      ? [findEntry(entries, text)]
      : entries.filter((entry) => !entry.kept && entry.place === place)
  if (place === undefined && meant[0]?.kept === true) {
    throw new Error('it is kept because nobody could be told; it is not delivered any more')
  }
  const names = meant.map(({ name }) => name)
  const places = place === undefined ? [] : [place]
  const pause = opened.paused.get(place ?? meant[0]?.place ?? '')
  const held = pause ? `\nIt is paused (${pause.reason}) and stays so: see \`queue resume\`.` : ''
  const result = await ask(opened, { command: 'retry', names, places })
  if (result === undefined) {
    for (const entry of meant) await makeDue(opened, entry)
    return `No gateway runs; at its start it tries ${count(meant.length)} at once.${held}`
  }
  const { tried } = result as { readonly tried: number }
  const busy = names.length - tried
  const rest = busy > 0 ? ` ${busy} are being tried already.` : ''
  return `${count(tried)} ${tried === 1 ? 'is' : 'are'} tried now.${rest}${held}`
}

/** The time of the next try stands in the file's name. */
async function makeDue({ paths }: OpenedQueue, entry: QueueEntry): Promise<void> {
  const now = Date.now()
  if (entry.nextAttempt <= now) return
  const name = queueFileName({ ...entry, nextAttempt: now })
  await rename(join(paths.queue, entry.name), join(paths.queue, name))
}

export async function pause(
  config: string,
  text: string,
  options: { readonly reason: string; readonly for?: string },
): Promise<string> {
  const opened = openQueue(config)
  const place = findPlace(opened, await readQueue(opened), text)
  if (place === undefined) throw new Error(`expected a place, got ${text}\n${placeHint}`)
  if (options.reason.trim() === '') throw new Error('expected a reason, got nothing')
  const ms = options.for === undefined ? undefined : parseDuration(options.for)
  if (options.for !== undefined && ms === undefined) {
    throw new Error(`--for: expected ${durationForm}, got \`${options.for}\``)
  }
  const now = Date.now()
  const reason = options.reason.trim()
  writePauses(opened, (places) => {
    const until = ms === undefined ? {} : { until: now + ms }
    places.set(place, { reason, since: now, by: whoAmI(), ...until })
  })
  const running = await ask(opened, { command: 'pauses' })
  const end = ms === undefined ? 'until it is resumed' : `for ${formatDuration(ms)}`
  const when = running === undefined ? ' No gateway runs; it holds from its start on.' : ''
  return `${place} is paused ${end}: its mail is taken and waits.${when}`
}

const placeHint =
  'A place is connector:NAME, mailbox-host:NAME or outbound:DOMAIN; the name alone will do.'

export async function resume(config: string, text: string): Promise<string> {
  const opened = openQueue(config)
  const place = findPlace(opened, await readQueue(opened), text)
  if (place === undefined || !opened.paused.has(place)) {
    const paused = [...opened.paused.keys()].join(', ') || 'none is'
    throw new Error(`expected a place that is paused, got ${text} (paused: ${paused})`)
  }
  writePauses(opened, (places) => places.delete(place))
  await ask(opened, { command: 'pauses' })
  return `${place} is not paused any more: what waits for it is tried now.`
}

function writePauses(
  { paths, install }: OpenedQueue,
  change: Parameters<typeof changePauses>[1],
): void {
  if (!existsSync(paths.control)) makeOwnedFolder(paths.control, install.user, 0o700)
  changePauses(paths.control, change)
}

/** A report to the sender now; without a gateway the report is delivered after the next start. */
export async function giveBack(config: string, id: string): Promise<string> {
  const opened = openQueue(config)
  const entry = findEntry(await readQueue(opened), id)
  const { uuid, name, sender } = entry
  const result = await ask(opened, { command: 'return', name, by: whoAmI() })
  if (result !== undefined) return `${uuid} is returned: <${sender}> is told.`
  assertReturnable(entry)
  await assertNobodyLives(opened)
  const { install, paths } = opened
  const { events } = await returnEntry(paths.queue, entry, install.me)
  const { place, recipients } = entry
  const returned = { kind: 'returned', uuid, place, entry: name, recipients, by: whoAmI() } as const
  await writeDown(opened, [...events, returned])
  return events.length === 0
    ? `${uuid} is removed: <${sender}> wants no report.`
    : `${uuid} is returned; no gateway runs, at its start <${sender}> is told.`
}

/** A gateway that lives and cannot be asked may have the entry on its way to a host. */
async function assertNobodyLives({ paths }: OpenedQueue): Promise<void> {
  const sign = await signOfLife(paths.queue)
  if (sign === undefined) return
  throw new Error(`a gateway lives that cannot be asked (${sign}): stop it first, or restart it`)
}

/** Removes without a report, after the id has been typed once more (or given with `--yes`). */
export async function drop(
  config: string,
  id: string,
  options: { readonly yes?: string },
): Promise<string> {
  const opened = openQueue(config)
  const entry = findEntry(await readQueue(opened), id)
  const { uuid, name, sender, recipients } = entry
  const wanted = uuid || name
  const whom = recipients.map(({ recipient }) => `<${recipient}>`).join(', ')
  const typed =
    options.yes ??
    (await typedAgain(
      `From <${sender}> to ${whom}: nobody will get it, nobody is told.\nType ${wanted} to drop it: `,
    ))
  if (typed.trim() !== wanted) {
    throw new Error(`expected ${wanted}, got ${typed.trim() || 'nothing'}: nothing is dropped`)
  }
  const result = await ask(opened, { command: 'drop', name, by: whoAmI() })
  if (result === undefined) {
    await assertNobodyLives(opened)
    await unlink(join(opened.paths.queue, name))
    const { place } = entry
    await writeDown(opened, [
      { kind: 'dropped', uuid, place, entry: name, recipients, by: whoAmI() },
    ])
  }
  return `${wanted} is dropped.`
}

async function typedAgain(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    return await Promise.race([lines.question(question), ended])
  } finally {
    lines.close()
  }
}

/** Takes over what another, dead gateway left in its queue folder. */
export async function adopt(config: string, folder: string): Promise<string> {
  const opened = openQueue(config)
  const dir = queueFolderIn(resolve(folder))
  if (dir === resolve(opened.paths.queue)) throw new Error(`${dir} is this gateway's own queue`)
  const result = await ask(opened, { command: 'adopt', dir, by: whoAmI() }, 'Adopting')
  return describeAdoption(
    (result as AdoptionResult | undefined) ?? (await adoptOnDisk(opened, dir)),
    result !== undefined,
  )
}

/** Its install will do, too. */
function queueFolderIn(dir: string): string {
  if (!existsSync(dir)) throw new Error(`expected the queue folder of another gateway, got ${dir}`)
  return existsSync(join(dir, 'config', 'smtp.ini')) ? join(dir, 'queue') : dir
}

/** In the journal, where there is one; a running gateway does that itself. */
async function writeDown(
  { install, paths }: OpenedQueue,
  events: readonly MailEvent[],
): Promise<void> {
  if (!parseOperationsConfig(install.lines(operationsFile)).journal) return
  const { log } = commandEnvironment(install)
  const writer = new JournalWriter({ folder: paths.journal, log, user: install.user })
  for (const event of events) writer.add(event)
  await writer.close()
}

async function adoptOnDisk(opened: OpenedQueue, dir: string): Promise<AdoptionResult> {
  const { paths } = opened
  const events: MailEvent[] = []
  const sign = await signOfLife(dir)
  if (sign !== undefined) throw new Error(`the gateway of ${dir} lives: ${sign}`)
  const bar = new ProgressBar('Adopting')
  try {
    return await adoptFolder({
      from: dir,
      to: paths.queue,
      nameFor: (theirs) => queueFileName({ ...theirs, nextAttempt: Date.now() }),
      adopted: async (name) => {
        const event = await adoptedEvent(paths.queue, name, whoAmI())
        if (event) events.push(event)
      },
      progress: (done, of) => bar.at(done / of, `${done} of ${of}`),
    })
  } finally {
    bar.end()
    await writeDown(opened, events)
  }
}

function describeAdoption({ adopted, kept, left }: AdoptionResult, running: boolean): string {
  const entries = left.filter((name) => parseQueueFileName(name) === undefined)
  const lines = [
    `${count(adopted)} adopted${running ? '' : '; no gateway runs, at its start it delivers them'}.`,
    ...(kept === 0 ? [] : [`${count(kept)} that nobody could be told of came along.`]),
    ...(entries.length === 0 ? [] : [`No entries, left there: ${entries.slice(0, 10).join(', ')}`]),
  ]
  return lines.join('\n')
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`
}
