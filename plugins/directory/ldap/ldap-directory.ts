/**
 * A directory on LDAP servers: Active Directory, its global catalog, OpenLDAP and others.
 *
 * The filter finds candidates; an entry counts for an address only if one of its own addresses
 * equals it, as servers compare by rules of their own. An empty answer is believed where the account sees
 * addresses at all (sight.ts). Every failure is a DirectoryError.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import type { Entry } from 'ldapts'

import type { MailAddress } from '../../mail/mail-address.js'
import type { Environment } from '../../config/environment.js'
import { readSecretFile } from '../../config/secret-file.js'
import type { LdapSettings } from './ldap-settings.js'
import type { Directory, DirectoryEntry } from '../directory.js'
import { toEntry, type EntryReading, type ValueFault } from '../entry.js'
import { canBeCombined } from '../filter-template.js'
import { attributesOfSchema } from '../schema.js'
import { BindGuard } from './bind-guard.js'
import { LdapConnection, type ConnectSettings } from './connection.js'
import { UnusableAnswer } from './failure.js'
import { filterFor } from './filter.js'
import { LdapPool } from './pool.js'
import { Sight } from './sight.js'
import { systemCertificates } from '../../basics/system-certificates.js'

// as Exchange does
const batchSize = 20

export class LdapDirectory implements Directory {
  readonly name: string
  private readonly settings: LdapSettings
  private readonly pool: LdapPool
  private readonly sight: Sight

  /** `stateDir`: where refused binds are kept; undefined: in this process */
  constructor(settings: LdapSettings, env: Environment, stateDir?: string) {
    this.name = settings.name
    this.settings = settings
    this.sight = new Sight(settings)
    const guard = bindGuard(settings, stateDir)
    this.pool = new LdapPool(
      settings,
      {
        batchSize: canBeCombined(settings.filter, settings.schema) ? batchSize : 1,
        open: async (server, limit) => {
          const connect = connectSettings(settings, env.configDir)
          return guard.open(server, connect.bind, limit, () =>
            LdapConnection.open(server, connect, limit),
          )
        },
        search: (...asked) => this.search(...asked),
      },
      env.log,
    )
  }

  find(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    return this.pool.find(address)
  }

  close(): Promise<void> {
    return this.pool.close()
  }

  private async search(
    connection: LdapConnection,
    addresses: readonly MailAddress[],
    seconds: number,
    heard: () => void,
  ): Promise<DirectoryEntry[][]> {
    const { baseDn, filter, schema } = this.settings
    const found = await connection.search(
      baseDn,
      filterFor(filter, addresses),
      attributesOfSchema(schema),
      seconds,
    )
    const read = found.map((entry) => toEntry(entry.dn, attributesOf(entry), schema))
    // a filter of the administrator's own may find objects that have no address
    const shows = canBeCombined(filter, schema)
    const faulty = read.find(
      ({ entry, faults }) => faults.length > 0 || (shows && entry.addresses.length === 0),
    )
    const answers = addresses.map(({ key }) => {
      const own = read.filter(({ entry }) => entry.addresses.includes(key))
      // where its mail goes cannot be told, or whose the other object is
      const unclear = own.length === 0 ? faulty : own.find(({ faults }) => faults.some(isOfTarget))
      if (unclear) throw new UnusableAnswer(withheld(unclear))
      return own.map(({ entry }) => entry)
    })
    heard()
    if (answers.some((own) => own.length === 0)) await this.sight.confirm(connection, heard)
    return answers
  }
}

/** Of all processes and all servers of the directory. */
export function bindGuard({ name, servers }: LdapSettings, stateDir?: string): BindGuard {
  const file = stateDir && join(stateDir, `${encodeURIComponent(name)}.refused`)
  return new BindGuard(servers, { file })
}

/** Read anew for every connection: passwords and certificates change while the gateway runs. */
export function connectSettings(settings: LdapSettings, configDir: string): ConnectSettings {
  const { startTls, tlsVerify, bindDn, bindPassword, bindPasswordFile } = settings
  const ca = authorities(settings, configDir)
  const password =
    bindPasswordFile === '' ? bindPassword : readSecretFile(configDir, bindPasswordFile)
  return {
    startTls,
    tls: { rejectUnauthorized: tlsVerify, ...(ca !== undefined && { ca }) },
    bind: bindDn === '' ? undefined : { dn: bindDn, password },
  }
}

/** Those whose certificates count; undefined: Node's list, or none is needed. */
function authorities(
  { servers, startTls, tlsCaFile }: LdapSettings,
  configDir: string,
): string | string[] | undefined {
  if (!startTls && !servers.some(({ secure }) => secure)) return undefined
  if (tlsCaFile === '') return systemCertificates()
  return readFileSync(resolve(configDir, tlsCaFile), 'utf8')
}

/** One value comes as a value, several as an array, none as an empty array. */
export function attributesOf(entry: Entry): Map<string, string[]> {
  const attributes = new Map<string, string[]>()
  for (const [name, value] of Object.entries(entry)) {
    if (name === 'dn') continue
    // Active Directory cuts off attributes of more than 1,500 values, named `name;range=0-1499`:
    // the address that was asked for may be among the others
    if (/;range=\d+-\d/iu.test(name)) {
      throw new UnusableAnswer(`${entry.dn}: expected all values of ${name}, got a part of them`)
    }
    const values = Array.isArray(value) ? value : [value]
    attributes.set(name.toLowerCase(), values.map(String))
  }
  return attributes
}

function isOfTarget({ ofTarget }: ValueFault): boolean {
  return ofTarget
}

/**
 * The server found the object by an address and does not show it, or shows something else in its place:
 * access rules, or a value that is damaged. That is not "no such address".
 */
export function withheld({
  entry: { dn },
  faults,
}: Pick<EntryReading, 'entry' | 'faults'>): string {
  const [fault] = faults
  if (fault) return `${dn}: ${fault.reason}`
  return `${dn}: expected the attributes that hold its addresses, got none; may this account read them?`
}
