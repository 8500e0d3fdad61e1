/**
 * Entries of Haraka's queue on disk: all of a message or none.
 *
 * `prepare` writes them under names that Haraka does not load, and syncs them; `commit` gives them
 * their own names, syncs the folder and hands them to Haraka's delivery queue; `abort` removes them.
 * A process that dies in between leaves files that Haraka removes at its start, or whole entries of
 * a message that was not answered yet: its client comes again.
 *
 * The file is Haraka's: a length, the head as JSON, the message in wire form. Its own writer is not
 * used, since an entry that could not be written whole may be left in the queue by it.
 */
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'

import type { HarakaAddress } from '../../haraka/haraka.js'
import type { HarakaOutbound, QueueItem, QueueNotes, QueueTodo } from '../../haraka/outbound.js'
import type { OutgoingMessage } from './message.js'

export interface EntrySpec {
  readonly uuid: string
  readonly domain: string
  readonly mailFrom: HarakaAddress
  readonly recipients: readonly HarakaAddress[]
  readonly notes: QueueNotes
  readonly message: Pick<OutgoingMessage, 'pipe'>
  /** kept for the administrator under a name that Haraka skips, not delivered */
  readonly keep?: boolean
}

export interface PreparedEntries {
  /** Rejects, with nothing left behind, when the disk refuses. */
  commit(): Promise<void>
  abort(): Promise<void>
}

interface Written {
  readonly temporary: string
  readonly name: string
  readonly path: string
  readonly spec: EntrySpec
}

/** Writes the entries, none of them visible yet. Rejects, with nothing left behind. */
export async function prepareEntries(
  outbound: HarakaOutbound,
  specs: readonly EntrySpec[],
): Promise<PreparedEntries> {
  const { queue_dir: folder } = outbound.stats()
  const written: Written[] = []
  try {
    for (const spec of specs) {
      const name = outbound.qfile.name()
      const temporary = join(folder, `${outbound.qfile.platformDOT}${name}`)
      const path = join(folder, spec.keep === true ? `error.${name}` : name)
      written.push({ temporary, name, path, spec })
      await writeEntry(temporary, todoOf(spec), spec.message)
    }
  } catch (error) {
    await removeAll(written.map(({ temporary }) => temporary))
    throw error
  }
  return {
    async commit() {
      try {
        for (const { temporary, path } of written) await rename(temporary, path)
        await syncFolder(folder)
      } catch (error) {
        await removeAll(written.flatMap(({ temporary, path }) => [temporary, path]))
        throw error
      }
      for (const { name, path, spec } of written) {
        if (spec.keep === true) continue
        outbound.delivery_queue.push(new outbound.HMailItem(name, path, spec.notes))
      }
    },
    abort: () => removeAll(written.map(({ temporary }) => temporary)),
  }
}

/**
 * Takes recipients out of an entry that is being delivered: the file is replaced in one step, so
 * that they are not sent to again, also after a crash. Rejects when the disk refuses; then only
 * this process knows.
 */
export async function keepRecipients(
  outbound: HarakaOutbound,
  item: QueueItem,
  recipients: readonly HarakaAddress[],
  message: Pick<OutgoingMessage, 'pipe'>,
): Promise<void> {
  const { queue_dir: folder } = outbound.stats()
  item.todo.rcpt_to = [...recipients]
  const temporary = join(folder, `${outbound.qfile.platformDOT}${outbound.qfile.name()}`)
  try {
    const { head, total } = await writeEntry(temporary, item.todo, message)
    await rename(temporary, item.path)
    item.data_start = head
    item.file_size = total
    await syncFolder(folder)
  } catch (error) {
    await removeAll([temporary])
    throw error
  }
}

function todoOf({ uuid, domain, recipients, mailFrom, notes }: EntrySpec): QueueTodo {
  return {
    queue_time: Date.now(),
    domain,
    rcpt_to: [...recipients],
    mail_from: mailFrom,
    notes,
    uuid,
    force_tls: false,
  }
}

async function writeEntry(
  path: string,
  todo: QueueTodo,
  message: Pick<OutgoingMessage, 'pipe'>,
): Promise<{ head: number; total: number }> {
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  const file = await open(path, 'wx', 0o600)
  try {
    const octets = new PassThrough({ highWaterMark: 262_144 })
    octets.write(Buffer.concat([length, json]))
    message.pipe(octets)
    for await (const chunk of octets) await file.appendFile(chunk as Buffer)
    await file.sync()
    return { head: length.length + json.length, total: (await file.stat()).size }
  } finally {
    await file.close()
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => unlink(path).catch(() => undefined)))
}

interface Sync {
  readonly running: Promise<void>
  next?: Promise<void>
}

const syncs = new Map<string, Sync>()

/** Makes the names in a folder safe; those who ask while one is under way share the next one. */
function syncFolder(folder: string): Promise<void> {
  const current = syncs.get(folder)
  if (!current) return startSync(folder)
  current.next ??= current.running.catch(() => undefined).then(() => startSync(folder))
  return current.next
}

async function startSync(folder: string): Promise<void> {
  const sync: Sync = { running: syncNow(folder) }
  syncs.set(folder, sync)
  try {
    await sync.running
  } finally {
    if (syncs.get(folder) === sync && !sync.next) syncs.delete(folder)
  }
}

async function syncNow(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
