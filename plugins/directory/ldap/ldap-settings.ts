/**
 * A directory's section as far as it speaks of LDAP servers: where they are, who asks, what is searched,
 * and a replica's times.
 */
import type { Settings } from '../../config/settings.js'
import { FilterFault, parseFilterTemplate, type FilterTemplate } from '../filter-template.js'
import type { Mailboxes } from '../mailboxes.js'
import type { Schema } from '../schema.js'

export interface LdapServer {
  /** as written */
  readonly url: string
  /** TLS from the first octet */
  readonly secure: boolean
  readonly host: string
  readonly port: number
}

export interface LdapSettings extends Mailboxes {
  readonly schema: Schema
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

export const urlForms =
  'LDAP servers such as ldaps://dc1.example.com:3269, ldap://[::1]:389, or a file such as file:contacts.csv or file:contacts.ldif'
const globalCatalogPorts = [3268, 3269]

/** Tells `settings` every fault. */
export function readLdap(
  urls: readonly string[],
  schema: Schema,
  settings: Settings,
): Omit<LdapSettings, keyof Mailboxes | 'schema'> {
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

/** `ldap://host[:port]` or `ldaps://host[:port]`; `undefined` for anything else. */
function parseLdapUrl(text: string): LdapServer | undefined {
  const match = /^(ldaps?):\/\/([^/?#@]+)\/?$/iu.exec(text)
  if (!match?.[1] || !URL.canParse(text)) return undefined
  const secure = match[1].toLowerCase() === 'ldaps'
  // as http: only for these a URL's host is checked and brought into one form
  const { hostname, port } = new URL(`http://${match[2] ?? ''}`)
  if (port === '0' || hostname === '') return undefined
  const written = /:(\d+)$/u.exec(match[2] ?? '')?.[1]
  return {
    url: text,
    secure,
    host: hostname.replace(/^\[|\]$/gu, ''),
    port: written === undefined ? (secure ? 636 : 389) : Number(written),
  }
}
