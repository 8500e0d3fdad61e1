/**
 * The last good version of a directory on disk, so that it answers after a restart while the file it
 * was read from is damaged or gone, and at once where the file has not changed.
 *
 *   4 octets   length of the head
 *   head       JSON: what it is of, which version of it, the doubts, how the table lies behind it
 *   table      as it lies in memory (entry-table.ts)
 *   32 octets  SHA-256 of all before
 *
 * Written beside and renamed, so it is there whole or not at all; several processes may do so at once.
 * A file that is not whole, or of something else, is none.
 */
import { createHash, type Hash } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'

import { Doubts } from './doubts.js'
import { EntryTable, type TableShape } from './entry-table.js'
import { Snapshot } from './snapshot.js'

interface Head {
  readonly format: 1
  /** what was read and how: another one is another directory */
  readonly of: string
  /** which version of it */
  readonly version: string
  readonly doubts: ReturnType<Doubts['toJSON']>
  readonly cutOff: string
  readonly table: TableShape
}

export interface SavedSnapshot {
  readonly version: string
  readonly snapshot: Snapshot
}

const digestLength = 32
const longestHead = 64 * 1024 * 1024

/** Saves it, unless that version is there already. Rejects when the disk refuses. */
export async function saveSnapshot(
  path: string,
  of: string,
  { version, snapshot }: SavedSnapshot,
): Promise<void> {
  const there = await withFile(path, (file) => readHead(file)).catch(() => undefined)
  if (there?.head.of === of && there.head.version === version) return
  const draft = `${path}.${process.pid}`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await write(file, of, version, snapshot)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function write(
  file: FileHandle,
  of: string,
  version: string,
  { table, doubts, cutOff }: Snapshot,
): Promise<void> {
  const head: Head = {
    format: 1,
    of,
    version,
    doubts: doubts.toJSON(),
    cutOff,
    table: table.shape(),
  }
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const hash = createHash('sha256')
  for (const octets of [length, text, ...table.octets()]) {
    hash.update(octets)
    await file.appendFile(octets)
  }
  await file.appendFile(hash.digest())
}

/** The last good version; `undefined`: there is none of this. Never rejects. */
export async function loadSnapshot(path: string, of: string): Promise<SavedSnapshot | undefined> {
  try {
    return await withFile(path, async (file) => {
      const { head, hash, at } = await readHead(file)
      if (head.format !== 1 || head.of !== of) return undefined
      const table = EntryTable.from(head.table)
      let position = at
      for (const octets of table.octets()) {
        await readFully(file, octets, position)
        hash.update(octets)
        position += octets.length
      }
      const digest = Buffer.alloc(digestLength)
      await readFully(file, digest, position)
      if (!hash.digest().equals(digest)) return undefined
      return {
        version: head.version,
        snapshot: new Snapshot(table, Doubts.from(head.doubts), head.cutOff),
      }
    })
  } catch {
    return undefined
  }
}

async function readHead(file: FileHandle): Promise<{ head: Head; hash: Hash; at: number }> {
  const length = Buffer.alloc(4)
  await readFully(file, length, 0)
  const octets = length.readUInt32LE()
  if (octets > longestHead) throw new RangeError(`a head of ${octets} octets`)
  const text = Buffer.alloc(octets)
  await readFully(file, text, 4)
  const hash = createHash('sha256').update(length).update(text)
  return { head: JSON.parse(text.toString()) as Head, hash, at: 4 + octets }
}

async function readFully(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done)
    if (bytesRead === 0) throw new RangeError('the file ends early')
    done += bytesRead
  }
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r')
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}
