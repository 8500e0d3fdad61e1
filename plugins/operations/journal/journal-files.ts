/**
 * The files of the journal: `YYYY-MM-DD.ndjson`, a day in UTC each; a day that grew large has parts,
 * `YYYY-MM-DD.1.ndjson` the oldest. A logrotate may have packed them (`.gz`). Any other file of the
 * folder is somebody else's and is never touched.
 */
import { createReadStream } from 'node:fs'
import { readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'

import type { JournalSettings } from '../operations-config.js'

export interface JournalFile {
  readonly name: string
  /** `YYYY-MM-DD` */
  readonly day: string
  /** absent: what is written now */
  readonly part?: number
  readonly packed: boolean
}

const pattern = /^(\d{4}-\d\d-\d\d)(?:\.(\d{1,6}))?\.ndjson(\.gz)?$/u

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

export function fileName(day: string, part?: number): string {
  return part === undefined ? `${day}.ndjson` : `${day}.${part}.ndjson`
}

/** The oldest first. Other names are left out; no folder has no files. */
export async function journalFiles(folder: string): Promise<JournalFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.flatMap((name) => fileOf(name) ?? []).sort(byAge)
}

export function fileOf(name: string): JournalFile | undefined {
  const [, day, part, packed] = pattern.exec(name) ?? []
  if (day === undefined) return undefined
  return {
    name,
    day,
    ...(part !== undefined && { part: Number(part) }),
    packed: packed !== undefined,
  }
}

function byAge(a: JournalFile, b: JournalFile): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1
  return (a.part ?? Number.POSITIVE_INFINITY) - (b.part ?? Number.POSITIVE_INFINITY) || 0
}

/** Its octets, unpacked. */
export function openFile(folder: string, file: JournalFile): AsyncIterable<Buffer> {
  const octets = createReadStream(join(folder, file.name), { highWaterMark: 262_144 })
  if (!file.packed) return octets as AsyncIterable<Buffer>
  const unpacked = createGunzip({ chunkSize: 262_144 })
  octets.on('error', (error) => unpacked.destroy(error))
  octets.pipe(unpacked)
  return unpacked as AsyncIterable<Buffer>
}

/**
 * Removes what is too old or too much, the oldest first, and makes a part of a day's file that holds
 * a quarter of what may be kept: so there is always something to remove. Answers what it removed.
 *
 * `byAge` false: the clock has jumped, nothing is removed for its date.
 */
export async function pruneJournal(
  folder: string,
  { keep, maxSize }: JournalSettings,
  now: number,
  byAge = true,
): Promise<string[]> {
  const files = await journalFiles(folder)
  const current = files.find(({ day, part }) => day === dayOf(now) && part === undefined)
  const sizes = new Map<JournalFile, number>()
  for (const file of files) {
    sizes.set(file, await stat(join(folder, file.name)).then(({ size }) => size, ignoreMissing))
  }
  if (current && !current.packed && (sizes.get(current) ?? 0) > maxSize / 4) {
    const last = Math.max(
      0,
      ...files.map(({ day, part }) => (day === current.day ? (part ?? 0) : 0)),
    )
    await rename(join(folder, current.name), join(folder, fileName(current.day, last + 1)))
  }
  const removed: string[] = []
  const oldest = dayOf(Math.max(0, now - keep))
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  for (const file of files) {
    const tooOld = byAge && file.day < oldest
    if (file === current || (!tooOld && total <= maxSize)) continue
    await unlink(join(folder, file.name)).catch(ignoreMissing)
    total -= sizes.get(file) ?? 0
    removed.push(file.name)
  }
  return removed
}

function ignoreMissing(error: NodeJS.ErrnoException): number {
  if (error.code !== 'ENOENT') throw error
  return 0
}
