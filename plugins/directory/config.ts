/**
 * directory.ini: where addresses resolve. Every section is a directory, asked in the order written;
 * `[NAME hosts]` lists the mailbox hosts of directory NAME, and `[cache]` is reserved for what all of
 * them share.
 *
 * `url` decides what a directory is: LDAP servers in order, or a CSVDE or LDIF file. Keys that mean
 * nothing for that kind are refused like unknown ones. All errors of the file are reported at once.
 */
import { readIni, type IniSections } from '../config/ini.js'
import { ConfigError, Settings } from '../config/settings.js'
import { parseSmartHost, smartHostForms, type SmartHost } from '../mail/smart-host.js'
import { FilterFault, parseFilterTemplate, type FilterTemplate } from './filter-template.js'
import { parseLdapUrl, type LdapServer } from './ldap-url.js'
import {
  hostName,
  listedHostForms,
  parseListedHost,
  type ListedHost,
  type Mailboxes,
} from './mailboxes.js'
import { schemaNames, schemas, withOwnAttributes, type Schema } from './schema.js'

export type { LdapServer }

interface Named extends Mailboxes {
  readonly schema: Schema
}

export interface FileSettings extends Named {
  readonly kind: 'file'
  /** a table by its header, CSVDE among them; LDIF; a map of Postfix's */
  readonly format: 'csvde' | 'ldif' | 'map'
  /** relative to the configuration's folder */
  readonly path: string
  /** a new version may lack more than half of the addresses of the one before */
  readonly allowShrink: boolean
  /** `ignore`: a row that cannot be read is left out, as if it were not there */
  readonly unreadable: 'doubt' | 'ignore'
}

export interface LdapSettings extends Named {
  readonly kind: 'ldap'
  /** in order: the next when one fails */
  readonly servers: readonly LdapServer[]
  /** empty: the whole forest of a global catalog */
  readonly baseDn: string
  /** empty: anonymous */
  readonly bindDn: string
  readonly bindPassword: string
  /** relative to the configuration's folder; read again at every bind */
  readonly bindPasswordFile: string
  readonly filter: FilterTemplate
  readonly startTls: boolean
  /** relative to the configuration's folder; empty: the system's */
  readonly tlsCaFile: string
  readonly tlsVerify: boolean
  /** milliseconds for one lookup: waiting, connecting and searching together */
  readonly timeout: number
  /** a process */
  readonly connections: number
  /** searches under way on each connection */
  readonly maxInFlight: number
  /** asked for each address, or read whole */
  readonly mode: 'live' | 'replica'
  /** of a replica: milliseconds between two whole readings, and between two for changes */
  readonly refresh: number
  readonly changesInterval: number
  /** milliseconds that a replica is good without a server */
  readonly maxAge: number
  /** a whole reading may lack more than half of the addresses of the one before */
  readonly allowShrink: boolean
}

export type DirectorySettings = FileSettings | LdapSettings

export interface CacheSettings {
  /** milliseconds that an answer is good */
  readonly ttl: number
  /** milliseconds that a "not there" is good */
  readonly negativeTtl: number
  /** milliseconds that a known address may be used while the directory does not answer */
  readonly staleTtl: number
  /** of each directory */
  readonly maxEntries: number
}

export interface DirectoryConfig {
  /** in the order written */
  readonly directories: readonly DirectorySettings[]
  readonly cache: CacheSettings
}

export const directoryFile = 'directory.ini'

const urlForms =
  'LDAP servers such as ldaps://dc1.example.com:3269, ldap://[::1]:389, or a file such as file:contacts.csv or file:contacts.ldif'
const globalCatalogPorts = [3268, 3269]
const hostsSection = /^(.*\S)\s+hosts$/u

/** Reads the lines of directory.ini. Throws ConfigError with every error of the file. */
export function parseDirectoryConfig(lines: readonly string[]): DirectoryConfig {
  const { sections, errors } = readIni(directoryFile, lines)
  new Settings(directoryFile, '', sections.get(''), errors).finish()

  const cache = readCache(new Settings(directoryFile, 'cache', sections.get('cache'), errors))
  const directories: DirectorySettings[] = []
  for (const [name, values] of sections) {
    if (name === '' || name === 'cache' || hostsSection.test(name)) continue
    const settings = new Settings(directoryFile, name, values, errors)
    directories.push(readDirectory(name, settings, readHosts(name, sections, errors)))
    settings.finish()
  }
  for (const name of sections.keys()) {
    const directory = hostsSection.exec(name)?.[1]
    if (directory !== undefined && !directories.some((one) => one.name === directory)) {
      errors.push(
        `${directoryFile} [${name}]: expected the hosts of a directory, got no section [${directory}]`,
      )
    }
  }
  if (directories.length === 0) {
    errors.push(`${directoryFile}: expected a section for each directory, got none`)
  }
  if (errors.length > 0) throw new ConfigError(errors)
  return { directories, cache }
}

function readCache(settings: Settings): CacheSettings {
  const cache = {
    ttl: settings.seconds('ttl', 300, { zero: true }),
    negativeTtl: settings.seconds('negative_ttl', 60, { zero: true }),
    staleTtl: settings.seconds('stale_ttl', 86_400, { zero: true }),
    maxEntries: settings.wholeNumber('max_entries', 100_000, 1),
  }
  settings.finish()
  return cache
}

function readDirectory(
  name: string,
  settings: Settings,
  hosts: ReadonlyMap<string, ListedHost>,
): DirectorySettings {
  const urls = settings.list('url')
  const schema = readSchema(settings, hosts)
  const named = { name, ...readMailboxes(settings), hosts, schema }
  const [first] = urls
  if (first === undefined) settings.missing('url', urlForms)
  if (first?.startsWith('file:') !== true) {
    return { ...named, ...readLdap(urls, schema, settings) }
  }

  const path = first.slice('file:'.length).replace(/^\/\/(?=\/)/u, '')
  const extension = /\.(csv|tsv|txt|ldif|map)$/iu.exec(path)?.[1]?.toLowerCase()
  if (urls.length > 1) settings.wrong('url', 'one file', urls.join(', '))
  if (extension === undefined)
    settings.wrong('url', 'a name that ends in .csv, .tsv, .txt, .ldif or .map', first)
  return {
    ...named,
    kind: 'file',
    format: extension === 'ldif' || extension === 'map' ? extension : 'csvde',
    path,
    allowShrink: settings.flag('allow_shrink', false),
    unreadable: settings.choice('unreadable', ['doubt', 'ignore'], 'doubt'),
  }
}

function readMailboxes(settings: Settings): Pick<Mailboxes, 'mailboxHost' | 'mailboxConnector'> {
  const text = settings.text('mailbox_host')
  const mailboxConnector = settings.text('mailbox_connector')
  const mailboxHost: SmartHost | undefined = text === '' ? undefined : parseSmartHost(text)
  if (text !== '' && !mailboxHost) settings.wrong('mailbox_host', smartHostForms, text)
  if (text !== '' && mailboxConnector !== '') {
    settings.wrong('mailbox_connector', 'it or `mailbox_host`, not both', mailboxConnector)
  }
  return { mailboxHost, mailboxConnector }
}

/** The section `[NAME hosts]`: every key is a host as the directory names it. */
function readHosts(
  directory: string,
  sections: IniSections,
  errors: string[],
): Map<string, ListedHost> {
  const name = [...sections.keys()].find((key) => hostsSection.exec(key)?.[1] === directory) ?? ''
  const values = name === '' ? undefined : sections.get(name)
  const settings = new Settings(directoryFile, name, values, errors)
  const hosts = new Map<string, ListedHost>()
  for (const key of values?.keys() ?? []) {
    const text = settings.text(key)
    const host = parseListedHost(text)
    if (host) hosts.set(hostName(key), host)
    else settings.wrong(key, listedHostForms, text)
  }
  return hosts
}

function readSchema(settings: Settings, hosts: ReadonlyMap<string, ListedHost>): Schema {
  const own = {
    addresses: settings.list('address_attributes'),
    target: settings.text('target_attribute'),
    host: settings.text('host_attribute'),
  }
  const keys = ['address_attributes', 'target_attribute', 'host_attribute'] as const
  const names = [own.addresses, [own.target], [own.host]]
  for (const [index, key] of keys.entries()) {
    const wrong = names[index]?.find((text) => text !== '' && !/^[a-z][a-z0-9-]*$/iu.test(text))
    if (wrong !== undefined) settings.wrong(key, 'the name of an attribute', wrong)
  }
  const schema = schemas[settings.choice('schema', schemaNames, 'active-directory')]
  const localHosts = [...hosts].flatMap(([name, { kind }]) => (kind === 'local' ? [name] : []))
  return { ...withOwnAttributes(schema, own), localHosts }
}

function readLdap(
  urls: readonly string[],
  schema: Schema,
  settings: Settings,
): Omit<LdapSettings, keyof Named> {
  const servers = urls.flatMap((url) => {
    const server = parseLdapUrl(url)
    if (!server) settings.wrong('url', urlForms, url)
    return server ? [server] : []
  })
  const ldap = {
    kind: 'ldap' as const,
    servers,
    baseDn: settings.text('base_dn'),
    bindDn: settings.text('bind_dn'),
    bindPassword: settings.text('bind_password'),
    bindPasswordFile: settings.text('bind_password_file'),
    filter: readFilter(settings, schema.filter),
    startTls: settings.flag('start_tls', false),
    tlsCaFile: settings.text('tls_ca_file'),
    tlsVerify: settings.flag('tls_verify', true),
    timeout: settings.seconds('timeout', 3),
    connections: settings.wholeNumber('connections', 2, 1),
    maxInFlight: settings.wholeNumber('max_in_flight', 32, 1),
    ...readReplica(settings),
  }
  const forest =
    servers.length > 0 && servers.every(({ port }) => globalCatalogPorts.includes(port))
  // elsewhere an empty name finds nothing: every address would be unknown
  if (ldap.baseDn === '' && urls.length > 0 && !forest) {
    settings.missing('base_dn', 'where searches begin')
  }
  if (ldap.startTls && servers.some(({ secure }) => secure)) {
    settings.wrong('start_tls', '`false`, as an ldaps:// server is encrypted already', 'true')
  }
  checkPassword(ldap, settings)
  return ldap
}

function readReplica(
  settings: Settings,
): Pick<LdapSettings, 'mode' | 'refresh' | 'changesInterval' | 'maxAge' | 'allowShrink'> {
  const replica = {
    mode: settings.choice('mode', ['live', 'replica'], 'live'),
    refresh: settings.duration('refresh', 15 * 60_000, 1000),
    changesInterval: settings.duration('changes', 60_000, 1000),
    maxAge: settings.duration('max_age', 86_400_000, 1000),
    allowShrink: settings.flag('allow_shrink', false),
  }
  if (replica.maxAge < replica.changesInterval) {
    const expected = 'no less than the time between two readings for changes'
    settings.wrong('max_age', expected, settings.text('max_age'))
  }
  return replica
}

function checkPassword(
  ldap: Pick<LdapSettings, 'bindDn' | 'bindPassword' | 'bindPasswordFile'>,
  settings: Settings,
): void {
  const { bindDn, bindPassword, bindPasswordFile } = ldap
  const passwords = [bindPassword, bindPasswordFile].filter((text) => text !== '')
  if (passwords.length > 1) {
    settings.wrong('bind_password_file', 'it or `bind_password`, not both', bindPasswordFile)
  }
  // a name without a password is an anonymous bind to many servers (RFC 4513 5.1.2): every address
  // would be unknown
  if (bindDn !== '' && passwords.length === 0) {
    settings.missing('bind_password_file', 'a password for `bind_dn`')
  }
  if (bindDn === '' && passwords.length > 0) settings.missing('bind_dn', 'whose password this is')
}

function readFilter(settings: Settings, defaultFilter: string): FilterTemplate {
  const text = settings.text('filter') || defaultFilter
  try {
    return parseFilterTemplate(text)
  } catch (error) {
    if (!(error instanceof FilterFault)) throw error
    settings.wrong('filter', error.message, text)
    return parseFilterTemplate(defaultFilter)
  }
}
