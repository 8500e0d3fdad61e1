/**
 * What only the command line does on an LDAP server: it reads a whole directory in pages, reads an
 * object by its name, adds objects and changes them. One connection; whoever uses it ends it.
 *
 * Every answer has to come in time; one that does not ends the connection, and everything under way
 * on it fails. RFC 4511 4.6, 4.7; RFC 2696 (pages).
 */
import { inTime } from '../../basics/in-time.js'
import { Attribute, Change, NoSuchObjectError, PresenceFilter, type Filter } from 'ldapts'

import type { LdapServer, LdapSettings } from '../config.js'
import type { Attributes } from '../entry.js'
import { LdapConnection } from './connection.js'
import { attributesOf, connectSettings } from './ldap-directory.js'

export interface LdapObject {
  readonly dn: string
  /** by name in lower case */
  readonly attributes: Attributes
}

const pageSize = 500
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

  /** Every object below the base that the filter finds, page by page. */
  async *pages(filter: Filter, attributes: readonly string[]): AsyncGenerator<LdapObject[]> {
    const results = this.connection.client.searchPaginated(this.baseDn, {
      scope: 'sub',
      filter,
      attributes: [...attributes],
      paged: { pageSize },
    })
    for (;;) {
      const { value, done } = await this.inTime(results.next(), pageTime)
      if (done === true) return
      yield value.searchEntries.map((entry) => ({ dn: entry.dn, attributes: attributesOf(entry) }))
    }
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
