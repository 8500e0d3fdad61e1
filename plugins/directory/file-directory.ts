/**
 * A directory that is a CSVDE or LDIF file. It is loaded in the background and read again when it
 * changes; a new version is swapped in whole or not at all.
 *
 * Until a first version is loaded lookups wait, for ten seconds at most. Later, a version that
 * cannot be read, that is still being written, or that lost more than half of the addresses is kept
 * out: what was loaded last goes on answering, and the log says so, loudly.
 */
import { errorText } from '../basics/error-text.js'
import { inTime } from '../basics/in-time.js'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import type { MailAddress } from '../mail/mail-address.js'
import type { Environment } from '../config/environment.js'
import type { FileSettings } from './config.js'
import {
  DirectoryError,
  type DirectoryContents,
  type CountedDirectory,
  type DirectoryCounts,
  type DirectoryEntry,
} from './directory.js'
import { toEntry } from './entry.js'
import { EntryTable } from './entry-table.js'
import { rowReaders } from './row-readers.js'
import type { Schema } from './schema.js'
import type { DirectoryRecord } from './file-record.js'
import { readText } from './text-lines.js'

// milliseconds
const defaultPollInterval = 2000
const firstSettleTime = 250
// an export is written for minutes: a changed file must have been left alone for this long
const defaultSettleTime = 5000
const firstLoadPatience = 10_000
const progressInterval = 5000
const reminderInterval = 3_600_000
// rows told one by one in the log; the rest is a number
const toldFaults = 20

export interface FileOptions {
  /** milliseconds between two looks at the file */
  readonly pollInterval?: number
  /** milliseconds that a changed file must have been left alone */
  readonly settleTime?: number
  /** load it when it is first asked for */
  readonly lazy?: boolean
}

/** What was seen of the file; another value means another version. */
type Version = string

export class FileDirectory implements CountedDirectory {
  readonly name: string
  readonly counts: DirectoryCounts = { hits: 0, misses: 0, stale: 0, errors: 0 }
  private readonly settings: FileSettings
  private readonly path: string
  private readonly log: Environment['log']
  private readonly pollInterval: number
  private readonly settleTime: number
  private firstLoad: Promise<void> | undefined
  private table: EntryTable | undefined
  /** the version last tried, whether it is in use or was kept out */
  private tried: Version = ''
  /** the version that answers */
  private inUse: Version = ''
  /** why the file's present version is not in use */
  /** milliseconds since 1970 at which the file was last seen to be as it is in memory */
  private seenAt = 0
  private fault = 'not loaded yet'
  private toldAt = 0
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(settings: FileSettings, env: Environment, options: FileOptions = {}) {
    this.name = settings.name
    this.settings = settings
    this.path = resolve(env.configDir, settings.path)
    this.log = env.log
    this.pollInterval = options.pollInterval ?? defaultPollInterval
    this.settleTime = options.settleTime ?? defaultSettleTime
    if (options.lazy !== true) void this.ready()
  }

  find(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    if (!this.table) return this.findAfterFirstLoad(address)
    this.counts.hits += 1
    return Promise.resolve(this.table.find(address.key))
  }

  /** Mail may come before the file is loaded: it waits, but not for ever. */
  private async findAfterFirstLoad(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    await inTime(this.ready(), firstLoadPatience, () => undefined)
    if (this.table) return this.find(address)
    this.counts.errors += 1
    throw new DirectoryError(this.name, `${this.path}: ${this.fault}`)
  }

  contents(): DirectoryContents | undefined {
    if (!this.table) return undefined
    const { entries, addresses } = this.table
    return { entries, addresses, asOf: this.seenAt, fault: this.fault }
  }

  /** Settles when the file has been tried for the first time. */
  ready(): Promise<void> {
    this.firstLoad ??= this.poll()
    return this.firstLoad
  }

  close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    return Promise.resolve()
  }

  /** Looks at the file now and then; never rejects. */
  private async poll(): Promise<void> {
    try {
      const version = await this.settledVersion()
      const looked = Date.now()
      if (version === this.inUse) this.fault = ''
      else if (version !== this.tried) {
        this.tried = version
        await this.load(version)
        this.inUse = version
        this.fault = ''
      }
      if (this.inUse === version) this.seenAt = looked
    } catch (error) {
      this.keepOut(errorText(error))
    }
    this.remind()
    if (this.closed) return
    this.timer = setTimeout(() => void this.poll(), this.pollInterval)
    this.timer.unref()
  }

  /** Waits while the file is being written: until it has been left alone for a while. */
  private async settledVersion(): Promise<Version> {
    const settleTime = this.table ? this.settleTime : firstSettleTime
    let { version, age } = await this.look()
    let since = performance.now() - Math.max(age, 0)
    while (version !== this.tried && performance.now() - since < settleTime && !this.closed) {
      await new Promise((later) => setTimeout(later, firstSettleTime))
      const next = await this.look()
      if (next.version !== version) since = performance.now()
      version = next.version
    }
    return this.closed ? this.tried : version
  }

  private async look(): Promise<{ version: Version; age: number }> {
    const { ino, size, mtimeMs } = await stat(this.path)
    return { version: `${ino} ${size} ${mtimeMs}`, age: Date.now() - mtimeMs }
  }

  private async load(version: Version): Promise<void> {
    const started = performance.now()
    const table = await this.read()
    if (this.closed) return
    if ((await this.look()).version !== version) {
      this.tried = ''
      throw new Error('it changed while it was read; it is read again')
    }
    if (this.table && !this.settings.allowShrink) await this.refuseLoss(this.table, table)
    this.table = table
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    this.log.notice(
      `directory [${this.name}]: ${this.path}: ${table.entries} entries with ${table.addresses} addresses in use after ${seconds} s`,
    )
  }

  private async read(): Promise<EntryTable> {
    const table = new EntryTable()
    const file = await open(this.path)
    try {
      const { size } = await file.stat()
      let octets = 0
      let faults = 0
      let told = performance.now()
      const text = readText(file, (position) => (octets = position))
      const { format, schema } = this.settings
      for await (const rows of rowReaders[format](text)) {
        if (this.closed) return table
        for (const row of rows) {
          const reasons = row.kind === 'unreadable' ? [row.reason] : addRecord(row, schema)
          for (const reason of reasons) {
            faults += 1
            if (faults <= toldFaults) this.tellFault(row.line, reason)
          }
        }
        if (performance.now() - told > progressInterval) {
          told = performance.now()
          const percent = Math.floor((octets / size) * 100)
          this.log.info(
            `directory [${this.name}]: ${this.path}: ${percent} % read, ${table.entries} entries`,
          )
        }
      }
      if (faults > toldFaults) {
        this.log.error(
          `directory [${this.name}]: ${this.path}: ${faults} faults; ${toldFaults} are told above`,
        )
      }
    } finally {
      await file.close()
    }
    await table.seal()
    return table

    function addRecord(row: DirectoryRecord, schema: Schema): readonly string[] {
      const dn = row.dn === '' ? `line ${row.line}` : row.dn
      const { entry, faults } = toEntry(dn, row.attributes, schema)
      table.add(entry)
      return faults
    }
  }

  private tellFault(line: number, reason: string): void {
    this.log.error(`directory [${this.name}]: ${this.path} line ${line}: ${reason}`)
  }

  private async refuseLoss(before: EntryTable, after: EntryTable): Promise<void> {
    const lost = await before.missingIn(after)
    if (lost * 2 <= before.addresses) return
    throw new Error(
      `${lost} of ${before.addresses} addresses are not in the new version; expected at least half of them (allow_shrink = true takes it)`,
    )
  }

  private keepOut(reason: string): void {
    if (reason === this.fault) return
    this.fault = reason
    this.toldAt = 0
  }

  /** Says what is wrong at once, and again every hour while it is. */
  private remind(): void {
    if (this.fault === '' || this.closed || Date.now() - this.toldAt < reminderInterval) return
    this.toldAt = Date.now()
    const now = this.table ? 'the version before stays in use' : 'its addresses cannot be found out'
    this.log.crit(`directory [${this.name}]: ${this.path} is not in use: ${this.fault}; ${now}`)
  }
}
