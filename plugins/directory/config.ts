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
import { readLdap, urlForms, type LdapSettings } from './ldap/ldap-settings.js'
import {
  hostName,
  listedHostForms,
  parseListedHost,
  type ListedHost,
  type Mailboxes,
} from './mailboxes.js'
import { schemaNames, schemas, withOwnAttributes, type Schema } from './schema.js'

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
