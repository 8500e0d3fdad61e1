/**
 * A replica on disk, so that it survives a restart while no server can be reached, and so that one
 * process reads for all. Two files, JSON a line:
 *
 *   NAME.replica   a head (what it is of, when and where it was read), the entries, and a foot with their
 *                  number and digest; written beside and renamed: there whole or not at all
 *   NAME.changes   the id of the snapshot they belong to, then what changed, a line a reading; appended to
 *
 * A snapshot whose foot is missing or does not fit, or that was read with other settings, is none.
 * Of changes a last line that is not whole was never in force.
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { open, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { readLines } from '../text-lines.js'
import { ReplicaTable, type Changes, type ReplicaEntry } from './replica-table.js'

export interface ReplicaHead {
  readonly version: 1
  readonly id: string
  /** a digest of the settings that decide what is read */
  readonly settings: string
  /** time of day in milliseconds when the reading began */
  readonly readAt: number
  /** URL of the server */
  readonly server: string
}

export interface ReplicaFoot {
  readonly entries: number
  readonly sha256: string
}

/** A line of changes: nothing has changed where both lists are empty, but the server was asked. */
export interface ChangeLine extends Changes {
  readonly at: number
  readonly server: string
  /** objects that there are with these changes */
  readonly entries: number
}

let drafts = 0

export class ReplicaFile {
  readonly snapshotPath: string
  readonly changesPath: string

  constructor(folder: string, directory: string) {
    const name = join(folder, encodeURIComponent(directory))
    this.snapshotPath = `${name}.replica`
    this.changesPath = `${name}.changes`
  }

  /** Begins a snapshot beside the one in use. */
  async draft(): Promise<SnapshotDraft> {
    await this.dropOld()
    // after a reload of the configuration the former reader may still be at work in this process
    drafts += 1
    const path = `${this.snapshotPath}.${process.pid}-${drafts}.new`
    const stream = createWriteStream(path, { mode: 0o600, flags: 'wx' })
    await once(stream, 'open')
    return new SnapshotDraft(path, stream)
  }

  /** What a process left that was killed while it read. */
  private async dropOld(): Promise<void> {
    const folder = dirname(this.snapshotPath)
    const begin = `${basename(this.snapshotPath)}.`
    for (const name of await readdir(folder)) {
      const own = name.startsWith(`${begin}${process.pid}-`)
      if (name.startsWith(begin) && name.endsWith('.new') && !own) {
        await rm(join(folder, name), { force: true })
      }
    }
  }

  /** Puts a finished draft in the place of the snapshot; its changes begin anew. */
  async use(draft: SnapshotDraft, head: ReplicaHead): Promise<void> {
    await rename(draft.path, this.snapshotPath)
    await this.beginChanges(head.id)
  }

  /** Makes the changes of a snapshot ready to be added to: `end` is where the last whole line ends. */
  async mend(id: string, end: number): Promise<void> {
    if (end > 0) await truncate(this.changesPath, end)
    else await this.beginChanges(id)
  }

  private async beginChanges(id: string): Promise<void> {
    const next = `${this.changesPath}.new`
    await writeFile(next, `${JSON.stringify({ of: id })}\n`, { mode: 0o600 })
    await rename(next, this.changesPath)
  }

  /** Adds a line; it is on disk when this settles. */
  async append(line: ChangeLine): Promise<void> {
    const file = await open(this.changesPath, 'a', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(line)}\n`)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** The head alone. Rejects where there is no snapshot. */
  async head(): Promise<ReplicaHead> {
    for await (const [line = ''] of readLines(createReadStream(this.snapshotPath, 'utf8'))) {
      return readHead(line)
    }
    throw new Error(`${this.snapshotPath}: expected a head, got nothing`)
  }

  /** The changes of a snapshot from an offset on, and the offset behind them. */
  async changes(
    id: string,
    from = 0,
  ): Promise<{ readonly lines: readonly ChangeLine[]; readonly end: number }> {
    // none yet: the process that wrote the snapshot was killed just then
    const text = await readFrom(this.changesPath, from).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
      throw error
    })
    const whole = text.lastIndexOf('\n') + 1
    const lines = text.slice(0, whole).split('\n').slice(0, -1)
    if (from === 0) {
      const first = JSON.parse(lines.shift() ?? '{}') as { of?: string }
      if (first.of !== id) return { lines: [], end: 0 }
    }
    return {
      lines: lines.map((line) => JSON.parse(line) as ChangeLine),
      end: from + Buffer.byteLength(text.slice(0, whole)),
    }
  }

  /** Differs where there is something new to read; empty: there is no file. */
  async version(which: 'snapshot' | 'changes'): Promise<string> {
    const path = which === 'snapshot' ? this.snapshotPath : this.changesPath
    try {
      const { ino, size, mtimeMs } = await stat(path)
      return `${ino} ${size} ${mtimeMs}`
    } catch {
      return ''
    }
  }
}

/** A snapshot that is being written. */
export class SnapshotDraft {
  readonly path: string
  readonly id = randomUUID()
  private readonly stream: WriteStream
  private readonly digest = createHash('sha256')
  private entries = 0
  private failure: Error | undefined

  constructor(path: string, stream: WriteStream) {
    this.path = path
    this.stream = stream
    stream.on('error', (error) => (this.failure = error))
  }

  async begin(head: ReplicaHead): Promise<void> {
    const text = `${JSON.stringify(head)}\n`
    this.digest.update(text)
    await this.write(text)
  }

  async add(entries: readonly ReplicaEntry[]): Promise<void> {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    this.entries += entries.length
    this.digest.update(text)
    await this.write(text)
  }

  /** On disk when this settles. */
  async end(): Promise<void> {
    const foot: ReplicaFoot = { entries: this.entries, sha256: this.digest.digest('hex') }
    await this.write(`${JSON.stringify(foot)}\n`)
    this.stream.end()
    await once(this.stream, 'close')
    if (this.failure) throw this.failure
    const file = await open(this.path, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async drop(): Promise<void> {
    this.stream.destroy()
    await rm(this.path, { force: true })
  }

  private async write(text: string): Promise<void> {
    if (this.failure) throw this.failure
    if (this.stream.write(text)) return
    await new Promise<void>((settle) => {
      const done = (): void => {
        this.stream.off('drain', done).off('error', done)
        settle()
      }
      this.stream.on('drain', done).on('error', done)
    })
    // a full disk shows here
    if (this.failure) throw this.failure
  }
}

/** Reads a snapshot whole: the head first, then the entries. Rejects where it is not whole. */
export async function* snapshotEntries(
  path: string,
  head: (head: ReplicaHead) => void,
): AsyncGenerator<readonly ReplicaEntry[]> {
  const digest = createHash('sha256')
  let count = 0
  let begun = false
  // the last line is the foot
  let last: string | undefined
  for await (const some of readLines(createReadStream(path, 'utf8'))) {
    const lines = last === undefined ? some : [last, ...some]
    if (!begun) {
      const first = lines.shift() ?? ''
      head(readHead(first))
      digest.update(`${first}\n`)
      begun = true
    }
    last = lines.pop()
    if (lines.length === 0) continue
    for (const line of lines) digest.update(`${line}\n`)
    count += lines.length
    yield lines.map((line) => JSON.parse(line) as ReplicaEntry)
  }
  const foot = JSON.parse(last ?? '{}') as Partial<ReplicaFoot>
  if (foot.entries !== count || foot.sha256 !== digest.digest('hex')) {
    throw new Error(`${path} is not whole: expected a foot with ${count} entries and their digest`)
  }
}

function readHead(line: string): ReplicaHead {
  const head = JSON.parse(line) as ReplicaHead
  const { version } = head
  if (version !== 1) throw new Error(`expected a snapshot of version 1, got ${String(version)}`)
  return head
}

async function readFrom(path: string, offset: number): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.max(0, size - offset))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}

/** The snapshot as a table; `each` is told its entries. Rejects where it is not whole. */
export async function loadReplica(
  file: ReplicaFile,
  each: (entries: readonly ReplicaEntry[]) => void = () => {},
): Promise<{ readonly table: ReplicaTable; readonly head: ReplicaHead }> {
  let head: ReplicaHead | undefined
  const table = await ReplicaTable.of(told())
  if (!head) throw new Error(`${file.snapshotPath}: expected a head, got nothing`)
  return { table, head }

  async function* told(): AsyncGenerator<readonly ReplicaEntry[]> {
    for await (const entries of snapshotEntries(file.snapshotPath, (read) => (head = read))) {
      each(entries)
      yield entries
    }
  }
}
