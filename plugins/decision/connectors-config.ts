/**
 * connectors.ini: the named ways out. Read here, with every error of the file at once; what the
 * rules of several files together forbid is checked in ../gateway/cross-check.ts.
 *
 * `[main]` is the gateway's own section; every other section is a connector.
 */
import { parseAddressSpace, type AddressSpace } from '../mail/address-space.js'
import { readIni } from '../config/ini.js'
import { ConfigError, Settings } from '../config/settings.js'
import { parseSmartHost, smartHostForms, type SmartHost } from '../mail/smart-host.js'

export const tlsPolicies = ['none', 'opportunistic', 'required', 'verify'] as const
export type TlsPolicy = (typeof tlsPolicies)[number]

export interface Connector {
  readonly name: string
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
  readonly delivery: 'direct' | 'queue'
  /** a transaction to a smart host */
  readonly maxRecipients: number
  /** gateways that may use this connector; empty: all */
  readonly bridgeheads: readonly SmartHost[]
}

export interface ConnectorsConfig {
  /** empty: Haraka's config/me */
  readonly gatewayId: string
  /** relative to the configuration's folder */
  readonly loopSecretFile: string
  /** Received fields; more is a loop (RFC 5321 6.3) */
  readonly maxHops: number
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
  const connector: Connector = {
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
    delivery: settings.choice('delivery', ['direct', 'queue'], 'direct'),
    maxRecipients: settings.wholeNumber('max_recipients', 100, 1),
    bridgeheads: readHosts(settings, 'bridgeheads'),
  }
  if ((connector.authUser === '') !== (connector.authPasswordFile === '')) {
    const missing = connector.authUser === '' ? 'auth_user' : 'auth_password_file'
    settings.missing(missing, '`auth_user` and `auth_password_file` together')
  }
  return connector
}

function readAddressSpaces(settings: Settings): AddressSpace[] {
  const spaces = settings.list('address_spaces').flatMap((text) => {
    const space = parseAddressSpace(text, true)
    if (!space) settings.wrong('address_spaces', 'a domain, *.domain or *', text)
    return space ? [space] : []
  })
  if (!(settings.list('address_spaces').length > 0)) {
    settings.missing('address_spaces', 'the address spaces that this connector serves')
  }
  return spaces
}

function readHosts(settings: Settings, key: string): SmartHost[] {
  return settings.list(key).flatMap((text) => {
    const host = parseSmartHost(text)
    if (!host) settings.wrong(key, smartHostForms, text)
    return host ? [host] : []
  })
}
