/**
 * connectors.ini: the named ways out. Read here, with every error of the file at once; what the
 * rules of several files together forbid is checked in ../gateway/cross-check.ts.
 *
 * `[main]` is the gateway's own section; every other section is a connector.
 */
import { parseAddressSpace, type AddressSpace } from '../mail/address-space.js'
import { readIni } from '../config/ini.js'
import { readIdentity, type ConnectorIdentity } from './connector-identity.js'
import { ConfigError, Settings } from '../config/settings.js'
import { parseSmartHost, smartHostForms, type SmartHost } from '../mail/smart-host.js'

export const tlsPolicies = ['none', 'opportunistic', 'required', 'verify'] as const
export type TlsPolicy = (typeof tlsPolicies)[number]

export interface Connector {
  readonly name: string
  /** empty: only for mailboxes of a directory (cross-check.ts) */
  readonly addressSpaces: readonly AddressSpace[]
  /** empty: the recipient domain's own MX */
  readonly smartHosts: readonly SmartHost[]
  /** the lower wins between connectors for the same address space */
  readonly cost: number
  /** strangers may send to these domains (the article's check box) */
  readonly allowRelay: boolean
  readonly tls: TlsPolicy
  readonly authUser: string
  /** relative to the configuration's folder; empty: none */
  readonly authPasswordFile: string
  readonly verifyRecipients: boolean
  /** the smart host, if it offers XCLIENT, is told whose mail it is */
  readonly xclient: boolean
  /** a small message for one recipient goes as a chunk where the host takes chunks (RFC 3030) */
  readonly chunking: boolean
  readonly delivery: 'direct' | 'queue'
  /** a transaction to a smart host */
  readonly maxRecipients: number
  /** sessions with each host, of all processes together */
  readonly maxSessions: number
  readonly schedule: Schedule
  /** used while every smart host is left alone, and only then */
  readonly backupHosts: readonly SmartHost[]
  /** gateways that may use this connector; empty: all */
  readonly bridgeheads: readonly SmartHost[]
  /** who is at both ends */
  readonly identity: ConnectorIdentity
}

/** When what waits is tried again; times in milliseconds. */
export interface Schedule {
  /** after the first attempt, the second, …; the last repeats */
  readonly retry: readonly number[]
  /** the sender is told of the delay, once; 0: never */
  readonly warnAfter: number
  /** the sender is told that it failed (RFC 5321 4.5.4.1: at least 4 to 5 days) */
  readonly expire: number
}

const minute = 60_000
const day = 24 * 60 * minute

export const defaultSchedule: Schedule = {
  retry: [minute, 2 * minute, 5 * minute, 10 * minute],
  warnAfter: day / 6,
  expire: 5 * day,
}

/** What holds for mailbox hosts, which have no section of their own. */
export const mailboxHostSettings = {
  maxRecipients: 100,
  maxSessions: 20,
  schedule: defaultSchedule,
} as const

/** Free space below which no mail is taken: a share of the disk, or octets. */
export interface FreeSpace {
  readonly percent: number
  /** octets; with a share: no more than that is asked for */
  readonly octets: number
}

const gigabyte = 1024 ** 3
export const defaultMinFree: FreeSpace = { percent: 5, octets: gigabyte }

export interface ConnectorsConfig {
  /** empty: Haraka's config/me */
  readonly gatewayId: string
  /** relative to the configuration's folder */
  readonly loopSecretFile: string
  /** Received fields; more is a loop (RFC 5321 6.3) */
  readonly maxHops: number
  readonly minFree: FreeSpace
  /** by name, in the order written */
  readonly connectors: ReadonlyMap<string, Connector>
}

// it stands in the log, in the queue and in commands
const sectionName = /^[\p{L}\p{N}._-]+$/u

export const connectorsFile = 'connectors.ini'

/** Reads the lines of connectors.ini. Throws ConfigError with every error of the file. */
export function parseConnectorsConfig(lines: readonly string[]): ConnectorsConfig {
  const { sections, errors } = readIni(connectorsFile, lines)
  new Settings(connectorsFile, '', sections.get(''), errors).finish()

  const main = new Settings(connectorsFile, 'main', sections.get('main'), errors)
  const config = {
    gatewayId: main.text('gateway_id'),
    loopSecretFile: main.text('loop_secret_file') || 'address-space.secret',
    maxHops: main.wholeNumber('max_hops', 50, 1),
    minFree: readFreeSpace(main, 'min_free'),
    connectors: new Map<string, Connector>(),
  }
  if (/[\s:;<>]/u.test(config.gatewayId)) main.wrong('gateway_id', 'a host name', config.gatewayId)
  main.finish()

  for (const [name, values] of sections) {
    if (name === '' || name === 'main') continue
    const settings = new Settings(connectorsFile, name, values, errors)
    if (!sectionName.test(name)) {
      errors.push(
        `${connectorsFile} [${name}]: expected a name of letters, digits, \`.\`, \`-\` and \`_\`, got \`${name}\``,
      )
    }
    config.connectors.set(name, readConnector(name, settings))
    settings.finish()
  }
  if (errors.length > 0) throw new ConfigError(errors)
  return config
}

function readConnector(name: string, settings: Settings): Connector {
  const connector: Omit<Connector, 'identity'> = {
    name,
    addressSpaces: readAddressSpaces(settings),
    smartHosts: readHosts(settings, 'smart_hosts'),
    cost: settings.wholeNumber('cost', 10, 0),
    allowRelay: settings.flag('allow_relay', false),
    tls: settings.choice('tls', tlsPolicies, 'opportunistic'),
    authUser: settings.text('auth_user'),
    authPasswordFile: settings.text('auth_password_file'),
    verifyRecipients: settings.flag('verify_recipients', false),
    xclient: settings.flag('xclient', false),
    chunking: settings.flag('chunking', true),
    delivery: settings.choice('delivery', ['direct', 'queue'], 'direct'),
    maxRecipients: settings.wholeNumber('max_recipients', 100, 1),
    maxSessions: settings.wholeNumber('max_sessions', 20, 1),
    schedule: readSchedule(settings),
    backupHosts: readHosts(settings, 'backup_hosts'),
    bridgeheads: readHosts(settings, 'bridgeheads'),
  }
  if (connector.backupHosts.length > 0 && connector.smartHosts.length === 0) {
    settings.missing('smart_hosts', 'hosts that `backup_hosts` stand behind')
  }
  if ((connector.authUser === '') !== (connector.authPasswordFile === '')) {
    const missing = connector.authUser === '' ? 'auth_user' : 'auth_password_file'
    settings.missing(missing, '`auth_user` and `auth_password_file` together')
  }
  return { ...connector, identity: readIdentity(settings, connector.tls) }
}

function readSchedule(settings: Settings): Schedule {
  const { retry, warnAfter, expire } = defaultSchedule
  const schedule = {
    retry: settings.durations('retry', retry, 1000),
    warnAfter: settings.duration('warn_after', warnAfter, 0),
    expire: settings.duration('expire', expire, 1000),
  }
  if (schedule.warnAfter >= schedule.expire) {
    settings.wrong('warn_after', 'less than `expire`', settings.text('warn_after') || '4h')
  }
  return schedule
}

/** `5%`, or octets as `500M`; 0: not looked at. */
function readFreeSpace(settings: Settings, key: string): FreeSpace {
  const text = settings.text(key)
  if (text === '') return defaultMinFree
  const [, number = '', unit = ''] = /^(\d+)(%|[KMGT])?$/iu.exec(text) ?? []
  const power = ['', 'K', 'M', 'G', 'T'].indexOf(unit.toUpperCase())
  if (number !== '' && unit === '%' && Number(number) < 100) {
    return { percent: Number(number), octets: Number(number) === 0 ? 0 : gigabyte }
  }
  if (number !== '' && power >= 0) return { percent: 0, octets: Number(number) * 1024 ** power }
  settings.wrong(key, 'a share such as 5% or a size such as 500M', text)
  return defaultMinFree
}

function readAddressSpaces(settings: Settings): AddressSpace[] {
  const spaces = settings.list('address_spaces').flatMap((text) => {
    const space = parseAddressSpace(text, true)
    if (!space) settings.wrong('address_spaces', 'a domain, *.domain or *', text)
    return space ? [space] : []
  })
  return spaces
}

function readHosts(settings: Settings, key: string): SmartHost[] {
  return settings.list(key).flatMap((text) => {
    const host = parseSmartHost(text)
    if (!host) settings.wrong(key, smartHostForms, text)
    return host ? [host] : []
  })
}
