/**
 * Keeps a replica in step with its servers: reads the whole at start and every `refresh`, and what has
 * changed in between; the servers of `url` in order, the next when one fails.
 *
 *   whole, little has changed   the changes are passed on
 *   whole, much has changed     a new snapshot, unless it has no address at all or lacks more than half of
 *                               the former ones: then that server's word is kept out and the next is asked
 *   changes                     passed on; from another controller than before, or very many: the whole is
 *                               read
 *   no server                   nothing is passed on, so the replica grows old; tried again
 *
 * Only an object that a whole reading does not find, that does not fit the filter any more, or that the
 * server tells as deleted, is gone.
 */
import { errorText } from '../../basics/error-text.js'
import type { Environment } from '../../config/environment.js'
import type { LdapServer, LdapSettings } from '../config.js'
import { BindResting } from '../ldap/bind-guard.js'
import { afterWhole, type ChangeMark } from './change-mark.js'
import { hashOf } from './entry-hash.js'
import type { ChangeLine, ReplicaFile, ReplicaHead, SnapshotDraft } from './replica-file.js'
import type { ReadEntry, ReplicaSource, ServerReading } from './replica-source.js'
import { ReplicaTable, type Changes, type ReplicaEntry } from './replica-table.js'
import { settingsDigest } from './settings-digest.js'

/** Takes what was read; called one after the other. */
export interface ReplicaSink {
  readonly table: ReplicaTable | undefined
  snapshot(table: ReplicaTable, head: ReplicaHead): void
  changes(line: ChangeLine): void
}

// milliseconds
const progressInterval = 5000
const reminderInterval = 3_600_000
const retryInterval = 5000
const toldFaults = 20
// of the objects: more is a new snapshot
const mostChanges = 1 / 20
const mostChangesOver = 1 / 10

export class ReplicaReader {
  private readonly settings: LdapSettings
  private readonly source: ReplicaSource
  private readonly file: ReplicaFile | undefined
  private readonly sink: ReplicaSink
  private readonly log: Environment['log']
  /** a hash of each object as it was passed on, by id */
  private known = new Map<string, number>()
  private mark: ChangeMark | undefined
  private server: LdapServer | undefined
  private wholeAt = Number.NEGATIVE_INFINITY
  private timer: NodeJS.Timeout | undefined
  private closed = false
  private told = ''
  private toldAt = 0
  private toldDeleted = false

  constructor(
    settings: LdapSettings,
    source: ReplicaSource,
    sink: ReplicaSink,
    options: { readonly file: ReplicaFile | undefined; readonly log: Environment['log'] },
  ) {
    this.settings = settings
    this.source = source
    this.sink = sink
    this.file = options.file
    this.log = options.log
  }

  /** What was loaded from the disk is what the next reading is compared with. */
  knew(entries: readonly ReplicaEntry[], gone: readonly string[] = []): void {
    for (const entry of entries) this.known.set(entry.id, hashOf(entry))
    for (const id of gone) this.known.delete(id)
  }

  /** Reads now, and again for ever; settles after the first reading. Never rejects. */
  async run(): Promise<void> {
    const well = await this.readOnce()
    if (this.closed) return
    const { changesInterval } = this.settings
    const wait = well ? changesInterval : Math.min(changesInterval, retryInterval)
    this.timer = setTimeout(() => void this.run(), wait)
    this.timer.unref()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  /** Whether a server was read. */
  private async readOnce(): Promise<boolean> {
    const reasons: string[] = []
    const well = await this.readFrom(reasons)
    if (reasons.length > 0) this.tell(well, reasons.join('; '))
    else if (well) this.told = ''
    return well
  }

  private async readFrom(reasons: string[]): Promise<boolean> {
    const due = performance.now() - this.wholeAt >= this.settings.refresh
    const { server, mark } = this
    if (!due && server && mark) {
      try {
        if (await this.source.at(server, (reading) => this.readChanges(reading, server, mark))) {
          return true
        }
      } catch (error) {
        reasons.push(errorText(error))
      }
    }
    for (const next of this.settings.servers) {
      if (this.closed) return false
      try {
        await this.source.at(next, (reading) => this.readWhole(reading, next))
        return true
      } catch (error) {
        const reason = errorText(error)
        // the refusal itself was told
        if (!(error instanceof BindResting) && !reasons.includes(reason)) reasons.push(reason)
      }
    }
    return false
  }

  /** Whether that was possible; else the whole has to be read. */
  private async readChanges(
    reading: ServerReading,
    server: LdapServer,
    mark: ChangeMark,
  ): Promise<boolean> {
    if (!reading.follows(mark)) return false
    const at = Date.now()
    const { set, gone, mark: next, deletedUnknown } = await reading.changes(mark)
    const changes = this.compare(set, gone)
    const lost = changes.gone.length > this.known.size * mostChanges
    if (lost) return false
    if (deletedUnknown !== '' && !this.toldDeleted) {
      this.toldDeleted = true
      this.log.info(
        this.about(
          `deleted objects are noticed every ${this.settings.refresh / 60_000} min, with the next whole reading: ${deletedUnknown}`,
        ),
      )
    }
    await this.pass({ ...changes, at, server: server.url })
    this.mark = next
    return true
  }

  private async readWhole(reading: ServerReading, server: LdapServer): Promise<void> {
    const at = Date.now()
    const started = performance.now()
    const draft = await this.file?.draft()
    try {
      const id = draft?.id ?? ''
      const head = {
        version: 1 as const,
        id,
        settings: settingsDigest(this.settings),
        readAt: at,
        server: server.url,
      }
      const seen = new Map<string, number>()
      const changed: ReplicaEntry[] = []
      const table = await ReplicaTable.of(this.taken(reading, seen, changed, draft, head))
      if (this.closed) throw new Error('the directory is being closed')
      const gone = [...this.known.keys()].filter((known) => !seen.has(known))
      if (this.isLittle(changed.length + gone.length)) {
        await draft?.drop()
        await this.pass({ set: changed, gone, at, server: server.url })
      } else {
        await this.refuseLoss(table, server)
        await draft?.end()
        if (draft) await this.file?.use(draft, head)
        this.known = seen
        this.sink.snapshot(table, head)
        const seconds = ((performance.now() - started) / 1000).toFixed(1)
        this.log.notice(
          this.about(
            `${server.url}: ${table.entries} objects with ${table.addresses} addresses in use after ${seconds} s`,
          ),
        )
      }
      this.server = server
      this.mark = afterWhole(reading.mark, performance.now() - started)
      this.wholeAt = started
    } catch (error) {
      await draft?.drop()
      throw error
    }
  }

  /** The objects of a reading, noted and written on their way into the table. */
  private async *taken(
    reading: ServerReading,
    seen: Map<string, number>,
    changed: ReplicaEntry[],
    draft: SnapshotDraft | undefined,
    head: ReplicaHead,
  ): AsyncGenerator<readonly ReplicaEntry[]> {
    let told = performance.now()
    let faults = 0
    await draft?.begin(head)
    for await (const page of reading.whole()) {
      if (this.closed) return
      // a server may give an object twice when it changes while it is read
      const fresh = page.filter(({ id }) => !seen.has(id))
      const entries = fresh.map(withoutFaults)
      for (const entry of entries) {
        const hash = hashOf(entry)
        seen.set(entry.id, hash)
        if (this.known.get(entry.id) !== hash && this.isLittle(changed.length)) changed.push(entry)
      }
      for (const fault of fresh.flatMap((one) =>
        one.faults.map((text) => `${one.entry.dn}: ${text}`),
      )) {
        faults += 1
        if (faults <= toldFaults) this.log.error(this.about(fault))
      }
      await draft?.add(entries)
      yield entries
      if (performance.now() - told > progressInterval) {
        told = performance.now()
        this.log.info(this.about(`${seen.size} objects read`))
      }
    }
    if (faults > toldFaults)
      this.log.error(this.about(`${faults} faults; ${toldFaults} are told above`))
  }

  /** So few that the snapshot in use goes on, with them over it. */
  private isLittle(changes: number): boolean {
    const { table } = this.sink
    if (!table) return false
    return (
      changes <= this.known.size * mostChanges && table.changed <= table.entries * mostChangesOver
    )
  }

  private async refuseLoss(next: ReplicaTable, { url }: LdapServer): Promise<void> {
    if (next.addresses === 0) throw new Error(`${url}: expected objects with addresses, got none`)
    const { table } = this.sink
    if (!table || this.settings.allowShrink) return
    const lost = await table.missingIn(next)
    if (lost * 2 <= table.addresses) return
    throw new Error(
      `${url}: ${lost} of ${table.addresses} addresses are not there any more; expected at least half of them (allow_shrink = true takes it): it is kept out`,
    )
  }

  /** What is not as it was passed on before; what was asked for twice is told once. */
  private compare(set: readonly ReadEntry[], gone: readonly string[]): Changes {
    const latest = new Map(set.map((read) => [read.id, withoutFaults(read)]))
    return {
      set: [...latest.values()].filter((entry) => this.known.get(entry.id) !== hashOf(entry)),
      gone: [...new Set(gone)].filter((id) => this.known.has(id) && !latest.has(id)),
    }
  }

  private async pass(read: Omit<ChangeLine, 'entries'>): Promise<void> {
    const added = read.set.filter(({ id }) => !this.known.has(id)).length
    const line = { ...read, entries: this.known.size + added - read.gone.length }
    await this.file?.append(line)
    this.knew(line.set, line.gone)
    this.sink.changes(line)
    if (line.set.length + line.gone.length === 0) return
    this.log.info(
      this.about(`${line.server}: ${line.set.length} objects changed, ${line.gone.length} gone`),
    )
  }

  /** Every fault at once, and again every hour; the replica's age is told by whoever answers from it. */
  private tell(well: boolean, reason: string): void {
    const now = performance.now()
    if (this.closed || (reason === this.told && now - this.toldAt < reminderInterval)) return
    this.told = reason
    this.toldAt = now
    if (well) this.log.warn(this.about(`the replica was read from the next server: ${reason}`))
    else this.log.error(this.about(`the replica was not read: ${reason}`))
  }

  private about(text: string): string {
    return `directory [${this.settings.name}]: ${text}`
  }
}

/** What is kept of an object; its faults were told. */
function withoutFaults({ id, entry, doubt }: ReadEntry): ReplicaEntry {
  return { id, entry, ...(doubt && { doubt }) }
}
