/**
 * What a replica and the command line do on an LDAP server: read a whole directory in pages, read an
 * object by its name, add objects and change them. One connection; whoever uses it ends it.
 *
 * Every answer has to come in time; one that does not ends the connection, and everything under way
 * on it fails. RFC 4511 4.6, 4.7; RFC 2696 (pages).
 */
import { inTime } from '../../basics/in-time.js'
import {
  Attribute,
  Change,
  Control,
  NoSuchObjectError,
  PresenceFilter,
  type Entry,
  type Filter,
} from 'ldapts'

import type { LdapServer, LdapSettings } from './ldap-settings.js'
import type { Attributes } from '../entry.js'
import { LdapConnection } from './connection.js'
import { attributesOf, connectSettings } from './ldap-directory.js'
import { lookAround } from './sight.js'

export interface LdapObject {
  readonly dn: string
  /** what stays the same when the object is renamed; absent unless it was asked for */
  readonly id?: string
  /** by name in lower case */
  readonly attributes: Attributes
}

/** What else may be said of a reading in pages. */
export interface PageOptions {
  /** the attribute that is the object's id, such as objectGUID */
  readonly id?: string
  readonly base?: string
  /** deleted objects, too, as Active Directory keeps them for some months */
  readonly deleted?: boolean
}

class ShowDeleted extends Control {
  constructor() {
    super('1.2.840.113556.1.4.417', { critical: true })
  }
}

function rangeOf(
  name: string,
): { readonly attribute: string; readonly end: number | undefined } | undefined {
  const [, attribute, end] = /^(.+);range=\d+-(\d+|\*)$/iu.exec(name) ?? []
  if (attribute === undefined) return undefined
  return { attribute, end: end === '*' ? undefined : Number(end) }
}

const pageSize = 500
// of one attribute: far beyond what anybody has
const mostValues = 200_000
// milliseconds for a page, and for any other answer
const pageTime = 60_000
const answerTime = 30_000

export class LdapAdministration {
  private readonly connection: LdapConnection
  private readonly baseDn: string

  private constructor(connection: LdapConnection, baseDn: string) {
    this.connection = connection
    this.baseDn = baseDn
  }

  /** Connected, encrypted and bound as the settings say. Rejects with the step that failed. */
  static async open(
    server: LdapServer,
    settings: LdapSettings,
    configDir: string,
    limit: number,
  ): Promise<LdapAdministration> {
    const connect = connectSettings(settings, configDir)
    return new LdapAdministration(
      await LdapConnection.open(server, connect, limit),
      settings.baseDn,
    )
  }

  /** Rejects with UnusableAnswer where the account does not see the addresses of the directory. */
  lookAround(settings: LdapSettings): Promise<void> {
    return lookAround(this.connection, { ...settings, timeout: answerTime })
  }

  /** Every object below the base that the filter finds, page by page. */
  async *pages(
    filter: Filter,
    attributes: readonly string[],
    { id = '', base = this.baseDn, deleted = false }: PageOptions = {},
  ): AsyncGenerator<LdapObject[]> {
    const results = this.connection.client.searchPaginated(
      base,
      {
        scope: 'sub',
        filter,
        attributes: [...attributes, ...(id === '' ? [] : [id])],
        paged: { pageSize },
        ...(id !== '' && { explicitBufferAttributes: [id] }),
      },
      deleted ? [new ShowDeleted()] : [],
    )
    for (;;) {
      const { value, done } = await this.inTime(results.next(), pageTime)
      if (done === true) return
      const objects: LdapObject[] = []
      for (const entry of value.searchEntries) objects.push(await this.toObject(entry, id))
      yield objects
    }
  }

  private async toObject(entry: Entry, id: string): Promise<LdapObject> {
    const whole = await this.withAllValues(entry)
    const value = id === '' ? undefined : entry[id]
    const octets = Array.isArray(value) ? value[0] : value
    return {
      dn: entry.dn,
      attributes: attributesOf(whole),
      ...(octets !== undefined && { id: Buffer.from(octets).toString('base64url') }),
    }
  }

  /** Active Directory gives 1,500 values at a time, named `name;range=0-1499`; the last ones `…-*`. */
  private async withAllValues(entry: Entry): Promise<Entry> {
    const whole = { ...entry }
    for (const name of Object.keys(entry)) {
      const attribute = rangeOf(name)?.attribute
      if (attribute === undefined) continue
      const values = [entry[name] ?? []].flat()
      delete whole[name]
      let end = rangeOf(name)?.end
      while (end !== undefined && values.length < mostValues) {
        const { searchEntries } = await this.inTime(
          this.connection.client.search(entry.dn, {
            scope: 'base',
            attributes: [`${attribute};range=${end + 1}-*`],
          }),
        )
        const [found = { dn: '' }] = searchEntries
        const next = Object.keys(found).find((key) => rangeOf(key)?.attribute === attribute)
        values.push(...[next === undefined ? [] : (found[next] ?? [])].flat())
        end = next === undefined ? undefined : rangeOf(next)?.end
      }
      whole[attribute] = values.map(String)
    }
    return whole
  }

  /** The object of that name; `undefined` if there is none. */
  async read(dn: string, attributes: readonly string[]): Promise<LdapObject | undefined> {
    try {
      const { searchEntries } = await this.inTime(
        this.connection.client.search(dn, {
          scope: 'base',
          filter: new PresenceFilter({ attribute: 'objectClass' }),
          attributes: [...attributes],
        }),
      )
      const [entry] = searchEntries
      return entry && { dn: entry.dn, attributes: attributesOf(entry) }
    } catch (error) {
      if (error instanceof NoSuchObjectError) return undefined
      throw error
    }
  }

  async add(dn: string, attributes: Attributes): Promise<void> {
    const list = [...attributes].map(
      ([type, values]) => new Attribute({ type, values: [...values] }),
    )
    await this.inTime(this.connection.client.add(dn, list))
  }

  /** Gives attributes new values; those without values are taken away. */
  async replace(dn: string, attributes: Attributes): Promise<void> {
    const changes = [...attributes].map(
      ([type, values]) =>
        new Change({
          operation: 'replace',
          modification: new Attribute({ type, values: [...values] }),
        }),
    )
    await this.inTime(this.connection.client.modify(dn, changes))
  }

  end(): void {
    this.connection.end()
  }

  private inTime<T>(answer: Promise<T>, limit = answerTime): Promise<T> {
    return inTime(answer, limit, () => {
      this.connection.destroy()
      throw new Error(`${this.connection.server.url}: no answer in ${limit / 1000} s`)
    })
  }
}
