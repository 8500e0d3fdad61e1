/**
 * The LDAP side of a replica: one server is connected to for a reading, asked what it is, and read
 * whole or for what has changed. Nothing is decided here.
 *
 * A reading that does not come to its end rejects: what came up to there says nothing of the rest. So does one
 * by an account that does not see the addresses, or an object's (ldap/sight.ts).
 */
import { ResultCodeError } from 'ldapts'

import type { Environment } from '../../config/environment.js'
import { lookalikes } from '../address-values.js'
import type { LdapServer, LdapSettings } from '../ldap/ldap-settings.js'
import { dnKey } from '../distinguished-name.js'
import { toEntry } from '../entry.js'
import { LdapAdministration, type LdapObject, type PageOptions } from '../ldap/administration.js'
import type { BindGuard } from '../ldap/bind-guard.js'
import { canBeCombined } from '../filter-template.js'
import { describeFailure, UnusableAnswer } from '../ldap/failure.js'
import { filterForAny } from '../ldap/filter.js'
import { connectSettings, withheld } from '../ldap/ldap-directory.js'
import { factAttributes, factsOf, type ServerFacts } from '../ldap/server-facts.js'
import { attributesOfSchema } from '../schema.js'
import { changedSince, deletedSince, laterTime, type ChangeMark } from './change-mark.js'
import type { ReplicaEntry } from './replica-table.js'

const catalogPorts = [3268, 3269]
// a slow change may have got its number before the reading began
const numbersBack = 1000
const connectTime = 10_000

/** An object as it was read; without addresses it is nobody's. */
export interface ReadEntry extends ReplicaEntry {
  /** values that are no addresses, each as a sentence */
  readonly faults: readonly string[]
}

/** What changed since a mark. */
export interface ReadChanges {
  readonly set: readonly ReadEntry[]
  /** ids of objects that no longer fit the filter, or were deleted */
  readonly gone: readonly string[]
  readonly mark: ChangeMark
  /** why deleted objects are not told; empty: they are */
  readonly deletedUnknown: string
}

export class ReplicaSource {
  private readonly settings: LdapSettings
  private readonly env: Environment
  private readonly guard: BindGuard

  constructor(settings: LdapSettings, env: Environment, guard: BindGuard) {
    this.settings = settings
    this.env = env
    this.guard = guard
  }

  /** Connects, does the work, and ends the connection. Rejects with what failed. */
  async at<T>(server: LdapServer, work: (reading: ServerReading) => Promise<T>): Promise<T> {
    const { settings, env } = this
    const limit = Math.max(settings.timeout, connectTime)
    const { bind } = connectSettings(settings, env.configDir)
    const opened = await this.guard.open(server, bind, limit, () =>
      LdapAdministration.open(server, settings, env.configDir, limit),
    )
    try {
      const root = await opened.read('', factAttributes)
      const catalog = catalogPorts.includes(server.port)
      const facts = factsOf(root?.attributes, settings.baseDn, catalog)
      if (facts.notReady !== '') throw new Error(`${server.url}: ${facts.notReady}`)
      return await work(new ServerReading(opened, settings, facts))
    } catch (error) {
      if (!(error instanceof ResultCodeError || error instanceof UnusableAnswer)) throw error
      throw new Error(`${server.url}: ${describeFailure(error)}`, { cause: error })
    } finally {
      opened.end()
    }
  }
}

export class ServerReading {
  readonly facts: ServerFacts
  /** where the next question for changes begins, once the whole was read */
  mark: ChangeMark
  private readonly opened: LdapAdministration
  private readonly settings: LdapSettings
  private readonly id: string
  /** a filter of the administrator's own may find objects that have no address */
  private readonly shows: boolean

  constructor(opened: LdapAdministration, settings: LdapSettings, facts: ServerFacts) {
    this.opened = opened
    this.settings = settings
    this.facts = facts
    this.shows = canBeCombined(settings.filter, settings.schema)
    this.id = facts.usn ? 'objectGUID' : 'entryUUID'
    const { usn } = facts
    this.mark = usn
      ? {
          kind: 'usn',
          server: usn.server,
          usn: usn.highest,
          before: Math.max(0, usn.highest - numbersBack),
        }
      : { kind: 'time', newest: '', seenAt: Date.now() }
  }

  /** Every object that some address could find, page by page. */
  async *whole(): AsyncGenerator<ReadEntry[]> {
    await this.opened.lookAround(this.settings)
    for await (const page of this.pages(filterForAny(this.settings.filter))) {
      yield page.map((object) => this.toRead(object)).filter(hasAddress)
    }
  }

  /** Whether this server can tell what changed since the mark. */
  follows(mark: ChangeMark): boolean {
    const { usn } = this.facts
    if (mark.kind === 'time') return usn === undefined && mark.newest !== ''
    // numbers that went back: the server was restored from a backup
    return usn?.server === mark.server && usn.highest >= mark.usn
  }

  /** What changed since the mark, which this server follows. */
  async changes(mark: ChangeMark): Promise<ReadChanges> {
    const now = Date.now()
    const filters = changedSince(mark, filterForAny(this.settings.filter), now)
    if (!filters) throw new Error('expected a mark to begin at, got none')
    await this.opened.lookAround(this.settings)
    if (mark.kind === 'time') this.mark = mark
    const set: ReadEntry[] = []
    const gone: string[] = []
    for await (const page of this.pages(filters.set)) {
      for (const object of page) {
        const read = this.toRead(object)
        if (hasAddress(read)) set.push(read)
        else gone.push(read.id)
      }
    }
    for await (const page of this.pages(filters.unset)) {
      gone.push(...page.map((object) => idOf(object)))
    }
    const deletedUnknown = await this.deleted(mark, now, gone)
    const next = this.mark
    return {
      set,
      gone,
      mark: next.kind === 'usn' && mark.kind === 'usn' ? { ...next, before: mark.usn } : next,
      deletedUnknown,
    }
  }

  /** Deleted objects lie beside the base; few accounts may see them. */
  private async deleted(mark: ChangeMark, now: number, gone: string[]): Promise<string> {
    const filter = deletedSince(mark, now)
    if (!filter) return 'this kind of server does not tell them'
    try {
      const base = this.facts.context
      for await (const page of this.pages(filter, { base, deleted: true })) {
        gone.push(...page.map((object) => idOf(object)))
      }
      return ''
    } catch (error) {
      if (!(error instanceof ResultCodeError)) throw error
      return describeFailure(error)
    }
  }

  private pages(
    filter: Parameters<LdapAdministration['pages']>[0],
    options: PageOptions = {},
  ): AsyncGenerator<LdapObject[]> {
    const stamp = this.mark.kind === 'time' ? ['modifyTimestamp'] : []
    const attributes = [...attributesOfSchema(this.settings.schema), ...stamp]
    return this.opened.pages(filter, attributes, { ...options, id: this.id })
  }

  /** The filter found it by an address, and no attribute shows one. */
  private hidden({ attributes }: LdapObject): boolean {
    const { addresses, otherwise } = this.settings.schema
    return [...addresses, ...otherwise].every(
      (name) => (attributes.get(name.toLowerCase()) ?? []).length === 0,
    )
  }

  private toRead(object: LdapObject): ReadEntry {
    if (this.mark.kind === 'time') {
      const [seen = ''] = object.attributes.get('modifytimestamp') ?? []
      this.mark = laterTime(this.mark, seen, Date.now())
    }
    const { entry, faults } = toEntry(object.dn, object.attributes, this.settings.schema)
    const read = { id: idOf(object), entry, faults: faults.map(({ reason }) => reason) }
    const [fault] = faults
    if (!fault) {
      if (this.shows && this.hidden(object)) throw new UnusableAnswer(withheld({ entry, faults }))
      return read
    }
    // where its mail goes cannot be told: it is not taken for a mailbox or an unusable contact
    const own = faults.some(({ ofTarget }) => ofTarget) ? entry.addresses : []
    const addresses = [
      ...new Set([...own, ...faults.flatMap(({ value }) => [...lookalikes(value)])]),
    ]
    return {
      ...read,
      entry: own.length > 0 ? { ...entry, addresses: [] } : entry,
      ...(addresses.length > 0 && {
        doubt: { reason: `${object.dn}: ${fault.reason}`, addresses },
      }),
    }
  }
}

function hasAddress({ entry, doubt }: ReadEntry): boolean {
  return entry.addresses.length > 0 || doubt !== undefined
}

/** A server without ids knows an object by its name. */
function idOf({ id, dn }: LdapObject): string {
  return id ?? `dn:${dnKey(dn)}`
}
