/**
 * A directory that was read whole from its LDAP servers and is kept in step with them: answers come
 * from memory, at once, whether a server can be reached or not.
 *
 *   age of the replica    known      not there
 *   up to max_age         answers    answers
 *   up to stale_ttl more  answers    cannot find out
 *   beyond                cannot find out
 *
 * One process reads (`read`), the others follow what it writes (`follow`); the command line looks at
 * what is on disk, and reads for itself where there is nothing (`look`). After a restart the last
 * snapshot answers at once, as old as it is.
 */
import { errorText } from '../../basics/error-text.js'
import { inTime } from '../../basics/in-time.js'
import type { MailAddress } from '../../mail/mail-address.js'
import type { Environment } from '../../config/environment.js'
import type { LdapSettings } from '../config.js'
import {
  DirectoryError,
  type CountedDirectory,
  type DirectoryContents,
  type DirectoryCounts,
  type DirectoryEntry,
} from '../directory.js'
import { bindGuard } from '../ldap/ldap-directory.js'
import { ageOf, ageText } from './replica-age.js'
import { loadReplica, ReplicaFile, type ChangeLine, type ReplicaHead } from './replica-file.js'
import { ReplicaReader, type ReplicaSink } from './replica-reader.js'
import { ReplicaSource } from './replica-source.js'
import type { ReplicaTable } from './replica-table.js'
import { settingsDigest } from './settings-digest.js'

export type ReplicaRole = 'read' | 'follow' | 'look'

export interface ReplicaState {
  readonly directory: string
  /** milliseconds since a server was last asked */
  readonly age: number
  /** that server */
  readonly server: string
  readonly entries: number
}

export interface ReplicaOptions {
  readonly role: ReplicaRole
  /** undefined: nothing is kept on disk */
  readonly stateDir: string | undefined
  /** milliseconds that a known address is known beyond `max_age` */
  readonly staleTtl: number
}

// milliseconds
const firstPatience = 10_000
const followInterval = 500
const reminderInterval = 3_600_000

export class ReplicaDirectory implements CountedDirectory, ReplicaSink {
  readonly name: string
  readonly counts: DirectoryCounts = { hits: 0, misses: 0, stale: 0, errors: 0 }
  table: ReplicaTable | undefined
  private readonly settings: LdapSettings
  private readonly staleTtl: number
  private readonly log: Environment['log']
  private readonly file: ReplicaFile | undefined
  private readonly reader: ReplicaReader | undefined
  private readonly first: Promise<void>
  private server = ''
  private entries = 0
  /** age when it was taken in, and the clock then */
  private ageThen = Number.POSITIVE_INFINITY
  private clockThen = 0
  private fault = 'it was not read yet'
  /** what was followed last */
  private snapshotId = ''
  private snapshotVersion = ''
  private changesVersion = ''
  private changesEnd = 0
  private timer: NodeJS.Timeout | undefined
  private toldAt = Number.NEGATIVE_INFINITY
  private closed = false

  constructor(settings: LdapSettings, env: Environment, options: ReplicaOptions) {
    const { role, stateDir, staleTtl } = options
    this.name = settings.name
    this.settings = settings
    this.staleTtl = staleTtl
    this.log = env.log
    const file = stateDir === undefined ? undefined : new ReplicaFile(stateDir, settings.name)
    this.file = file
    const guard = bindGuard(settings, role === 'look' ? undefined : stateDir)
    const source = new ReplicaSource(settings, env, guard)
    // whoever only looks writes nothing, and who has no folder to follow reads alone
    const kept = role === 'read' ? file : undefined
    this.reader =
      role === 'follow' && file
        ? undefined
        : new ReplicaReader(settings, source, this, { file: kept, log: env.log })
    this.first = this.begin(role)
  }

  find(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    if (!this.table) return this.findAfterFirst(address)
    const { entries, doubt } = this.table.find(address.key)
    const age = this.age()
    if (doubt !== undefined) {
      this.counts.errors += 1
      return Promise.reject(new DirectoryError(this.name, `nobody can tell: ${doubt}`))
    }
    if (age <= this.settings.maxAge) {
      this.counts.hits += 1
      return Promise.resolve(entries)
    }
    if (entries.length > 0 && age <= this.settings.maxAge + this.staleTtl) {
      this.counts.stale += 1
      return Promise.resolve(entries)
    }
    this.counts.errors += 1
    this.remind()
    return Promise.reject(new DirectoryError(this.name, `the replica is ${ageText(age)}`))
  }

  /** Settles when there is something to answer from, or it is known why there is not. */
  ready(): Promise<void> {
    return this.first
  }

  close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    this.reader?.close()
    return Promise.resolve()
  }

  /** For the status page and metrics. */
  contents(): DirectoryContents | undefined {
    if (!this.table) return undefined
    const age = this.age()
    const asOf = Number.isFinite(age) ? Date.now() - age : 0
    const fault = age > this.settings.maxAge ? `the replica is ${ageText(age)}` : ''
    return { entries: this.entries, addresses: this.table.addresses, asOf, fault }
  }

  /** undefined: there is none yet. */
  state(): ReplicaState | undefined {
    if (!this.table) return undefined
    return { directory: this.name, age: this.age(), server: this.server, entries: this.entries }
  }

  snapshot(table: ReplicaTable, head: ReplicaHead): void {
    this.table = table
    this.snapshotId = head.id
    this.entries = table.entries
    this.confirm(head.readAt, head.server)
  }

  changes(line: ChangeLine): void {
    this.table?.apply(line)
    this.entries = line.entries
    this.confirm(line.at, line.server)
  }

  private async findAfterFirst(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    await inTime(this.first, firstPatience, () => undefined)
    if (this.table) return this.find(address)
    this.counts.errors += 1
    throw new DirectoryError(this.name, `there is no replica: ${this.fault}`)
  }

  /** Never rejects. */
  private async begin(role: ReplicaRole): Promise<void> {
    await this.follow()
    if (this.closed) return
    if (role === 'read' && this.table) await this.mend()
    if (this.reader && !(role === 'look' && this.table)) {
      const reading = this.reader.run()
      if (!this.table) await reading
    } else if (role === 'follow') this.later()
  }

  /** A process that was killed may have left half a line. */
  private async mend(): Promise<void> {
    try {
      await this.file?.mend(this.snapshotId, this.changesEnd)
    } catch (error) {
      this.log.error(`directory [${this.name}]: the replica on disk: ${errorText(error)}`)
    }
  }

  /** Takes in what is new on disk; never rejects. */
  private async follow(): Promise<void> {
    const { file } = this
    if (!file) return
    try {
      const version = await file.version('snapshot')
      if (version !== '' && version !== this.snapshotVersion) {
        this.snapshotVersion = version
        await this.load(file)
      }
      const changes = await file.version('changes')
      if (this.snapshotVersion === '' || changes === this.changesVersion) return
      const { lines, end } = await file.changes(this.snapshotId, this.changesEnd)
      for (const line of lines) {
        this.reader?.knew(line.set, line.gone)
        this.changes(line)
      }
      this.changesEnd = end
      this.changesVersion = changes
      this.fault = ''
    } catch (error) {
      const reason = errorText(error)
      if (reason !== this.fault)
        this.log.warn(`directory [${this.name}]: the replica on disk: ${reason}`)
      this.fault = reason
    }
  }

  private async load(file: ReplicaFile): Promise<void> {
    const started = performance.now()
    const { settings } = await file.head()
    if (settings !== settingsDigest(this.settings)) {
      throw new Error('it was read with other settings, and is not used')
    }
    const { table, head } = await loadReplica(file, (entries) => this.reader?.knew(entries))
    // before anybody is answered from it: what was in force stays in force
    const changesVersion = await file.version('changes')
    const { lines, end } = await file.changes(head.id)
    for (const line of lines) {
      this.reader?.knew(line.set, line.gone)
      table.apply(line)
    }
    this.changesEnd = end
    this.changesVersion = changesVersion
    this.snapshot(table, head)
    const last = lines.at(-1)
    if (last) {
      this.entries = last.entries
      this.confirm(last.at, last.server)
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    this.log.notice(
      `directory [${this.name}]: the replica on disk, ${ageText(this.age())}, with ${this.entries} objects is in use after ${seconds} s`,
    )
  }

  private later(): void {
    if (this.closed) return
    this.timer = setTimeout(() => void this.follow().then(() => this.later()), followInterval)
    this.timer.unref()
  }

  /** A server was asked at that time of day. */
  private confirm(at: number, server: string): void {
    this.ageThen = ageOf(at)
    this.clockThen = performance.now()
    this.server = server
  }

  private age(): number {
    return this.ageThen + (performance.now() - this.clockThen)
  }

  private remind(): void {
    if (performance.now() - this.toldAt < reminderInterval) return
    this.toldAt = performance.now()
    this.log.crit(
      `directory [${this.name}]: the replica is ${ageText(this.age())}, more than max_age: unknown addresses cannot be told from known ones until a server can be read`,
    )
  }
}

/** Of the gateway's replica, as its files tell; why there is none. */
export async function replicaOnDisk(
  stateDir: string,
  settings: LdapSettings,
): Promise<{ readonly age: number; readonly server: string } | string> {
  const file = new ReplicaFile(stateDir, settings.name)
  if ((await file.version('snapshot')) === '') return 'there is none yet'
  try {
    const head = await file.head()
    if (head.settings !== settingsDigest(settings)) return 'it was read with other settings'
    const { lines } = await file.changes(head.id)
    const { at, server } = lines.at(-1) ?? { at: head.readAt, server: head.server }
    return { age: ageOf(at), server }
  } catch (error) {
    return `it cannot be read: ${errorText(error)}`
  }
}
