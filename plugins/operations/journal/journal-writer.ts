/**
 * Writes the journal in the background: events are gathered and written in batches of whole lines,
 * each batch by one write to a file opened for appending, so that several processes side by side do
 * not mix their lines. The file is opened anew for each batch: a folder that was removed is made
 * again, a file that was rotated is left alone.
 *
 * Mail never waits for it and is never refused for it. What cannot be written (a full disk) or does
 * not fit into memory is dropped and counted; a line of kind `gap` tells so once it goes again.
 */
import { errorText } from '../../basics/error-text.js'
import { inTime } from '../../basics/in-time.js'
import type { Log } from '../../config/environment.js'
import type { MailEvent } from '../../mail/mail-event.js'
import { appendFileSync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { makeOwnedFolder } from '../owned-folder.js'
import { dayOf, fileName } from './journal-files.js'
import { formatLine } from './journal-line.js'

/** milliseconds: how late a line may be; how long to wait after a failure; how long to flush at the end */
export const journalTimes = { batch: 200, afterFailure: 1000, close: 2000 }
// octets: a batch, and what may wait while the disk does not take it
const fullBatch = 262_144
const mostWaiting = 4 * 1024 * 1024

export interface JournalWriterOptions {
  readonly folder: string
  readonly log: Log
  /** the user that Haraka changes to; empty: it stays who it is */
  readonly user?: string
  /** milliseconds since 1970 */
  readonly now?: () => number
}

export class JournalWriter {
  private readonly options: JournalWriterOptions
  private readonly now: () => number
  private lines: string[] = []
  private underWay: string[] = []
  private octets = 0
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> = Promise.resolve()
  private busy = false
  private failing = false
  private untold = 0
  private droppedSoFar = 0
  /** the last write ended within a line */
  private torn = false

  constructor(options: JournalWriterOptions) {
    this.options = options
    this.now = options.now ?? Date.now
  }

  /** Lines that this process could not write. */
  get dropped(): number {
    return this.droppedSoFar
  }

  /** Returns at once and never throws. `at`: when it happened, in milliseconds since 1970. */
  add(event: MailEvent, at = this.now()): void {
    try {
      if (this.octets > mostWaiting) {
        this.drop(1)
        return
      }
      const line = formatLine(event, at, process.pid)
      this.lines.push(line)
      this.octets += line.length
      if (this.octets >= fullBatch && !this.failing) this.writeSoon(0)
      else this.writeSoon(this.failing ? journalTimes.afterFailure : journalTimes.batch)
    } catch (error) {
      this.drop(1)
      this.options.log.error(`journal: an event could not be written down: ${errorText(error)}`)
    }
  }

  /** Settles when what was added before has been written or dropped. Never rejects. */
  async flush(): Promise<void> {
    this.writeSoon(0)
    while (this.busy || (this.lines.length > 0 && !this.failing)) {
      await this.writing
      if (this.lines.length > 0 && !this.busy) this.startWriting()
    }
  }

  /** The last batch; a disk that hangs does not keep the process. */
  async close(): Promise<void> {
    await inTime(this.flush(), journalTimes.close, () => undefined)
    clearTimeout(this.timer)
  }

  /**
   * At the end of the process, which waits for nothing: what may be on its way to the disk is written
   * once more, and the reader takes equal lines for one.
   */
  closeNow(): void {
    const lines = [...this.underWay, ...this.lines]
    this.underWay = []
    this.lines = []
    if (lines.length === 0) return
    try {
      const path = join(this.options.folder, fileName(dayOf(this.now())))
      appendFileSync(path, `${this.torn ? '\n' : ''}${lines.join('')}`)
    } catch {
      // nobody is left to be told
    }
  }

  private writeSoon(ms: number): void {
    if (this.busy) return
    if (this.timer && ms > 0) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.startWriting(), ms)
    this.timer.unref()
    if (ms === 0) this.startWriting()
  }

  private startWriting(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.busy || this.lines.length === 0) return
    this.busy = true
    const lines = this.lines
    this.underWay = lines
    this.lines = []
    this.octets = 0
    this.writing = this.write(lines).then(
      () => this.wrote(),
      (error: unknown) => this.failed(lines, error),
    )
  }

  private wrote(): void {
    this.busy = false
    this.underWay = []
    if (this.failing) this.options.log.notice('journal: is written again')
    this.failing = false
    if (this.lines.length > 0) this.writeSoon(this.octets >= fullBatch ? 0 : journalTimes.batch)
  }

  private failed(lines: readonly string[], error: unknown): void {
    this.busy = false
    this.underWay = []
    this.drop(error instanceof ShortWrite ? error.missing : lines.length)
    if (!this.failing) {
      this.options.log.error(
        `journal: cannot be written in ${this.options.folder}: ${errorText(error)}; mail goes on, its events are dropped`,
      )
    }
    this.failing = true
    if (this.lines.length > 0) this.writeSoon(journalTimes.afterFailure)
  }

  private drop(count: number): void {
    this.droppedSoFar += count
    this.untold += count
  }

  private async write(lines: readonly string[]): Promise<void> {
    const now = this.now()
    const told = this.untold
    const gap = told > 0 ? formatLine({ kind: 'gap', dropped: told }, now, process.pid) : ''
    const batch = Buffer.from(`${this.torn ? '\n' : ''}${gap}${lines.join('')}`)
    const file = await this.open(join(this.options.folder, fileName(dayOf(now))))
    try {
      const { bytesWritten } = await file.write(batch)
      if (bytesWritten > 0) this.torn = bytesWritten < batch.length
      if (bytesWritten < batch.length)
        throw new ShortWrite(batch.subarray(0, bytesWritten), lines.length)
      this.untold -= told
    } finally {
      await file.close()
    }
  }

  private async open(path: string): Promise<FileHandle> {
    try {
      return await openOwned(path, this.options.folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      makeOwnedFolder(this.options.folder, this.options.user ?? '', 0o750)
      return openOwned(path, this.options.folder)
    }
  }
}

/** The disk took a part of a batch. */
class ShortWrite extends Error {
  readonly missing: number

  constructor(written: Buffer, lines: number) {
    super('the disk is full')
    const whole = written.toString('latin1').split('\n').length - 1
    this.missing = Math.max(1, lines - whole)
  }
}

/** A first process that stays root leaves no file that the others cannot append to. */
async function openOwned(path: string, folder: string): Promise<FileHandle> {
  const file = await open(path, 'a', 0o640)
  if (process.getuid?.() === 0) {
    const [{ uid, gid }, mine] = await Promise.all([stat(folder), file.stat()])
    if (mine.uid !== uid) await file.chown(uid, gid)
  }
  return file
}
