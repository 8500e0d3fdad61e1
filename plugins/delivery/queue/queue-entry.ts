/**
 * Entries of Haraka's queue on disk: all of a message or none.
 *
 * `prepare` writes them under names that Haraka does not load, and syncs them; `commit` gives them
 * their own names, syncs the folder and hands them to Haraka's delivery queue; `abort` removes them.
 * A process that dies in between leaves files that Haraka removes at its start, or whole entries of
 * a message that was not answered yet: its client comes again.
 *
 * An entry that is not to be tried at once says so in its file's name, and so also after a restart.
 */
import { rename, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

import type { HarakaAddress } from '../../haraka/haraka.js'
import type { HarakaOutbound, QueueItem, QueueNotes, QueueTodo } from '../../haraka/outbound.js'
import { headOf, writeQueueFiles } from '../../haraka/queue-file.js'
import { waitInQueue } from '../../haraka/queue-timer.js'
import { writtenItem } from '../../haraka/written-item.js'
import { groupBy } from '../../basics/group-by.js'
import { syncFolder } from '../../basics/sync-folder.js'
import type { Octets } from '../../mail/message.js'
import { keepInMemory } from './entry-message.js'

export interface EntrySpec {
  readonly uuid: string
  readonly domain: string
  readonly mailFrom: HarakaAddress
  readonly recipients: readonly HarakaAddress[]
  readonly notes: QueueNotes
  readonly message: Octets
  /** milliseconds since 1970 at which the message was taken */
  readonly since: number
  /** how often it has been tried, and in how many milliseconds to try again; absent: at once */
  readonly later?: { readonly attempts: number; readonly milliseconds: number }
  /** kept for the administrator under a name that Haraka skips, not delivered */
  readonly keep?: boolean
}

export interface PreparedEntries {
  /** Answers the files' names. Rejects, with nothing left behind, when the disk refuses. */
  commit(): Promise<readonly string[]>
  abort(): Promise<void>
}

interface Written {
  readonly temporary: string
  readonly name: string
  readonly path: string
  readonly spec: EntrySpec
  readonly head: Buffer
  /** the message if it is a small one */
  message?: Buffer | undefined
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
      const files = group.map((spec): Written => {
        const name = outbound.qfile.name(nameParts(spec))
        const temporary = join(folder, `${outbound.qfile.platformDOT}${name}`)
        const path = join(folder, spec.keep === true ? `error.${name}` : name)
        return { temporary, name, path, spec, head: headOf(todoOf(spec)) }
      })
      written.push(...files)
      const small = await writeQueueFiles(
        files.map(({ temporary, head }) => ({ path: temporary, head })),
        message,
      )
      for (const file of files) file.message = small
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
      for (const file of written) handToHaraka(outbound, file)
      return written.map(({ path }) => basename(path))
    },
    abort: () => removeAll(written.map(({ temporary }) => temporary)),
  }
}

function handToHaraka(
  outbound: HarakaOutbound,
  { name, path, spec, head, message }: Written,
): void {
  const { notes, later, keep } = spec
  if (keep === true) return
  if (later) {
    waitInQueue(outbound, { name, path }, later.milliseconds)
    return
  }
  if (!message) {
    outbound.delivery_queue.push(new outbound.HMailItem(name, path, notes))
    return
  }
  keepInMemory(path, message)
  const size = head.length + message.length
  outbound.delivery_queue.push(writtenItem(outbound, { name, path, notes, head, size }))
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
    const head = headOf(item.todo)
    await writeQueueFiles([{ path: temporary, head }], message)
    const { size } = await stat(temporary)
    await rename(temporary, item.path)
    item.data_start = head.length
    item.file_size = size
    await syncFolder(folder)
  } catch (error) {
    await removeAll([temporary])
    throw error
  }
}

function nameParts({ later }: EntrySpec): { next_attempt?: number; attempts?: number } {
  if (!later) return {}
  return { next_attempt: Math.round(Date.now() + later.milliseconds), attempts: later.attempts }
}

function todoOf({ uuid, domain, recipients, mailFrom, notes, since }: EntrySpec): QueueTodo {
  return {
    queue_time: since,
    domain,
    rcpt_to: [...recipients],
    mail_from: mailFrom,
    notes,
    uuid,
    force_tls: false,
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => unlink(path).catch(() => undefined)))
}
