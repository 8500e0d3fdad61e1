/**
 * Makes the names in a folder safe: a file that was made or renamed there is found after a crash
 * (fsync of the folder). Those who ask while one is under way share the next one, and the folder is
 * opened once for all that follow each other.
 */
import { open, type FileHandle } from 'node:fs/promises'

interface Syncing {
  readonly running: Promise<FileHandle>
  next?: Promise<void>
}

const syncing = new Map<string, Syncing>()

/** Settles when every name that stands in the folder now is safe; rejects as the system does. */
export function syncFolder(folder: string): Promise<void> {
  const current = syncing.get(folder)
  if (!current) return start(folder, open(folder, 'r'))
  current.next ??= current.running.then(
    (handle) => start(folder, Promise.resolve(handle)),
    () => start(folder, open(folder, 'r')),
  )
  return current.next
}

async function start(folder: string, opened: Promise<FileHandle>): Promise<void> {
  const sync: Syncing = { running: syncWith(opened) }
  syncing.set(folder, sync)
  const isLast = (): boolean => syncing.get(folder) === sync && !sync.next
  try {
    const handle = await sync.running
    if (!isLast()) return
    syncing.delete(folder)
    // the names are safe, whatever becomes of this
    handle.close().catch(() => undefined)
  } catch (error) {
    if (isLast()) syncing.delete(folder)
    throw error
  }
}

/** The folder, to be used again; closed if it cannot be synced. */
async function syncWith(opened: Promise<FileHandle>): Promise<FileHandle> {
  const handle = await opened
  try {
    await handle.sync()
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}
