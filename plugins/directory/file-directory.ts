/**
 * A directory that is a CSVDE or LDIF file. It is loaded in the background and read again when it
 * changes; a new version is swapped in whole or not at all.
 *
 * A version that cannot be read, that is still being written, that has no address, that lost more than
 * half of them, or that is damaged so that nobody can tell who is missing, is kept out: what was loaded
 * last goes on answering, and the log says so, loudly. The last good version is on disk
 * (snapshot-file.ts), so that holds after a restart too. Where there is none, a damaged version answers
 * for whom it knows, and nobody is unknown (doubts.ts).
 */
import { errorText } from '../basics/error-text.js'
import { inTime } from '../basics/in-time.js'
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { MailAddress } from '../mail/mail-address.js'
import type { Environment } from '../config/environment.js'
import { stateFolderOf } from '../config/state-folder.js'
import type { FileSettings } from './config.js'
import {
  DirectoryError,
  type DirectoryContents,
  type CountedDirectory,
  type DirectoryCounts,
  type DirectoryEntry,
} from './directory.js'
import { readSnapshot } from './file-reading.js'
import { loadSnapshot, saveSnapshot } from './snapshot-file.js'
import { whyKeptOut, type Snapshot } from './snapshot.js'

// milliseconds
const defaultPollInterval = 2000
const firstSettleTime = 250
// an export is written for minutes: a changed file must have been left alone for this long
const defaultSettleTime = 5000
const firstLoadPatience = 10_000
const reminderInterval = 3_600_000

export interface FileOptions {
  /** milliseconds between two looks at the file */
  readonly pollInterval?: number
  /** milliseconds that a changed file must have been left alone */
  readonly settleTime?: number
  /** load it when it is first asked for */
  readonly lazy?: boolean
  /** where the last good version is written to; undefined: it is only read, as by a command */
  readonly stateDir?: string | undefined
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
  /** the file of the last good version */
  private readonly saved: string
  private readonly keeps: boolean
  private firstLoad: Promise<void> | undefined
  /** the file has been tried since the start, whether it is in use or was kept out */
  private looked = false
  private snapshot: Snapshot | undefined
  /** the version last tried, whether it is in use or was kept out */
  private tried: Version = ''
  /** the version that answers */
  private inUse: Version = ''
  /** milliseconds since 1970 at which the file was last seen to be as it is in memory */
  private seenAt = 0
  /** why the file's present version is not in use */
  private fault = 'not loaded yet'
  private toldAt = 0
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(settings: FileSettings, env: Environment, options: FileOptions = {}) {
    this.name = settings.name
    this.settings = settings
    this.path = resolve(env.configDir, settings.path)
    this.log = env.log
    this.keeps = options.stateDir !== undefined
    const stateDir = options.stateDir ?? stateFolderOf(env.configDir)
    this.saved = join(stateDir, `${encodeURIComponent(this.name)}.file`)
    this.pollInterval = options.pollInterval ?? defaultPollInterval
    this.settleTime = options.settleTime ?? defaultSettleTime
    if (options.lazy !== true) void this.ready()
  }

  find(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    if (!this.snapshot) return this.findAfterFirstLook(address)
    const entries = this.snapshot.find(address.key)
    // the file may have changed before the restart: who is new in it is not unknown
    if (entries.length === 0 && !this.looked) return this.findAfterFirstLook(address)
    const doubt = entries.length === 0 ? this.snapshot.whyInDoubt(address.key) : undefined
    if (doubt !== undefined) return Promise.reject(this.cannotTell(doubt))
    this.counts.hits += 1
    return Promise.resolve(entries)
  }

  /** Mail may come before the file is looked at: it waits, but not forever. */
  private async findAfterFirstLook(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    await inTime(this.ready(), firstLoadPatience, () => undefined)
    if (this.snapshot && this.looked) return this.find(address)
    throw this.cannotTell(this.fault)
  }

  private cannotTell(reason: string): DirectoryError {
    this.counts.errors += 1
    return new DirectoryError(this.name, `${this.path}: ${reason}`)
  }

  contents(): DirectoryContents | undefined {
    if (!this.snapshot) return undefined
    const { entries, addresses } = this.snapshot.table
    return { entries, addresses, asOf: this.seenAt, fault: this.fault }
  }

  /** Settles when the file has been tried for the first time. */
  ready(): Promise<void> {
    this.firstLoad ??= this.loadSaved().then(() => this.poll())
    return this.firstLoad
  }

  close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    return Promise.resolve()
  }

  /** What answered before the restart; the file's present version is looked at after it. */
  private async loadSaved(): Promise<void> {
    const saved = await loadSnapshot(this.saved, this.identity)
    if (!saved || this.closed) return
    this.snapshot = saved.snapshot
    this.inUse = saved.version
    const { entries, addresses } = saved.snapshot.table
    this.log.notice(
      `directory [${this.name}]: ${this.path}: ${entries} entries with ${addresses} addresses in use, as they were before the restart`,
    )
  }

  /** Another file, format or schema: what was kept says nothing of it. */
  private get identity(): string {
    const { format, schema, unreadable } = this.settings
    const what = JSON.stringify([this.path, format, schema, unreadable])
    return createHash('sha256').update(what).digest('base64url')
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
    this.looked = true
    this.remind()
    if (this.closed) return
    this.timer = setTimeout(() => void this.poll(), this.pollInterval)
    this.timer.unref()
  }

  /** Waits while the file is being written: until it has been left alone for a while. */
  private async settledVersion(): Promise<Version> {
    const settleTime = this.snapshot ? this.settleTime : firstSettleTime
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
    const { path, log, name } = this
    const next = await readSnapshot({ path, log, name }, this.settings, () => this.closed)
    if (this.closed) return
    if ((await this.look()).version !== version) {
      this.tried = ''
      throw new Error('it changed while it was read; it is read again')
    }
    const reason = await whyKeptOut(this.snapshot, next, this.settings.allowShrink)
    if (reason !== undefined) throw new Error(reason)
    this.snapshot = next
    const { entries, addresses } = next.table
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const doubts = next.doubts.addresses > 0 ? `, ${next.doubts.addresses} addresses in doubt` : ''
    log.notice(
      `directory [${name}]: ${path}: ${entries} entries with ${addresses} addresses in use after ${seconds} s${doubts}`,
    )
    if (next.doubts.whole !== '') {
      log.crit(
        `directory [${name}]: ${path}: until this is mended nobody is called unknown: ${next.doubts.whole}`,
      )
      return
    }
    if (!this.keeps) return
    await saveSnapshot(this.saved, this.identity, { version, snapshot: next }).catch(
      (error: unknown) => {
        log.error(
          `directory [${name}]: ${this.saved}: ${errorText(error)}; this version does not survive a restart`,
        )
      },
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
    const now = this.snapshot
      ? 'the version before stays in use'
      : 'its addresses cannot be found out'
    this.log.crit(`directory [${this.name}]: ${this.path} is not in use: ${this.fault}; ${now}`)
  }
}
