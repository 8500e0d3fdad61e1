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
import { open, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import type { HarakaAddress } from '../../haraka/haraka.js'
import type { HarakaOutbound, QueueItem, QueueNotes, QueueTodo } from '../../haraka/outbound.js'
import { groupBy } from '../../basics/group-by.js'
import type { Octets } from '../../mail/message.js'

export interface EntrySpec {
  readonly uuid: string
  readonly domain: string
  readonly mailFrom: HarakaAddress
  readonly recipients: readonly HarakaAddress[]
  readonly notes: QueueNotes
  readonly message: Octets
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
    for (const [message, group] of groupBy(specs, (spec) => spec.message)) {
      const files = group.map((spec) => {
        const name = outbound.qfile.name()
        const temporary = join(folder, `${outbound.qfile.platformDOT}${name}`)
        const path = join(folder, spec.keep === true ? `error.${name}` : name)
        written.push({ temporary, name, path, spec })
        return { path: temporary, todo: todoOf(spec) }
      })
      await writeFiles(files, message)
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
  message: Octets,
): Promise<void> {
  const { queue_dir: folder } = outbound.stats()
  item.todo.rcpt_to = [...recipients]
  const temporary = join(folder, `${outbound.qfile.platformDOT}${outbound.qfile.name()}`)
  try {
    await writeFiles([{ path: temporary, todo: item.todo }], message)
    const { size } = await stat(temporary)
    await rename(temporary, item.path)
    item.data_start = headOf(item.todo).length
    item.file_size = size
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

interface NewFile {
  readonly path: string
  readonly todo: QueueTodo
}

/** Writes and syncs files with heads of their own and the message in common, which is read once. */
async function writeFiles(files: readonly NewFile[], message: Octets): Promise<void> {
  const handles: FileHandle[] = []
  try {
    for (const { path, todo } of files) {
      const handle = await open(path, 'wx', 0o600)
      handles.push(handle)
      await handle.appendFile(headOf(todo))
    }
    for await (const chunk of message.octets()) {
      await Promise.all(handles.map((handle) => handle.appendFile(chunk)))
    }
    await Promise.all(handles.map((handle) => handle.sync()))
  } finally {
    await Promise.all(handles.map((handle) => handle.close()))
  }
}

/** What stands in front of the message: a length in four octets, and JSON. */
function headOf(todo: QueueTodo): Buffer {
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const head = Buffer.alloc(4 + json.length)
  head.writeUInt32BE(json.length)
  json.copy(head, 4)
  return head
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
