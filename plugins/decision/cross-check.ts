/**
 * What the configuration files forbid together; refused at start and at reload.
 *
 *   - an authoritative domain in a connector that strangers may use: "you cannot share an address
 *     space for which Exchange is authoritative" (the article, method 1)
 *   - a shared or relay domain that no connector serves: every mail would be an attempt to relay
 *   - an authoritative domain without a directory: every mail would be refused
 *   - a smart host or mailbox host that is this gateway itself, by its address (at once) or by its
 *     name (`checkNames`, which asks DNS)
 */
import { covers, type AddressSpace } from '../mail/address-space.js'
import type { AcceptedDomain, AcceptedDomainsConfig } from './accepted-domains-config.js'
import type { ConnectorsConfig } from './connectors-config.js'
import { formatSmartHost, type SmartHost } from '../mail/smart-host.js'
import { connectorsOfMailboxes, hostsOfMailboxes, type Mailboxes } from '../directory/mailboxes.js'

export interface CrossCheck {
  readonly acceptedDomains?: AcceptedDomainsConfig | undefined
  readonly connectors?: ConnectorsConfig | undefined
  /** of every directory; absent: they could not be read */
  readonly directories?: readonly Mailboxes[] | undefined
  /** whether an IP address and port are where this gateway listens */
  readonly isSelf: (ip: string, port: number) => boolean
}

/** Every violation, a line each. */
export function crossCheck(check: CrossCheck): string[] {
  const { acceptedDomains, connectors, directories } = check
  return [
    ...(acceptedDomains && connectors ? checkDomains(acceptedDomains, connectors) : []),
    ...(acceptedDomains && directories?.length === 0 ? checkAuthoritative(acceptedDomains) : []),
    ...(connectors ? checkConnectors(connectors, directories) : []),
    ...checkHosts(check, (host) => host.kind === 'host' && check.isSelf(host.host, host.port)),
  ]
}

function checkDomains(accepted: AcceptedDomainsConfig, config: ConnectorsConfig): string[] {
  const errors: string[] = []
  const connectors = [...config.connectors.values()]
  for (const { name, allowRelay, addressSpaces } of connectors) {
    for (const space of allowRelay ? addressSpaces : []) {
      const domain = domainInForce(accepted, space)
      if (domain?.type === 'authoritative') {
        errors.push(
          `connectors.ini [${name}] address_spaces: ${space.name} is authoritative (accepted-domains.ini ${domain.space.name}); an authoritative domain cannot be shared: make it shared, or set allow_relay = false`,
        )
      }
    }
  }
  for (const { type, observe, space } of accepted.domains) {
    if (type === 'authoritative') continue
    if (connectors.some((connector) => connector.addressSpaces.some((own) => covers(own, space)))) {
      continue
    }
    errors.push(
      `accepted-domains.ini ${observe ? 'observe' : type}: ${space.name} has no connector; expected one in connectors.ini with ${space.name} among its address_spaces`,
    )
  }
  return errors
}

/** The accepted domain that decides for every domain of the space, the most specific. */
function domainInForce(
  accepted: AcceptedDomainsConfig,
  space: AddressSpace,
): AcceptedDomain | undefined {
  return accepted.domains
    .filter((domain) => covers(domain.space, space))
    .sort((a, b) => (covers(a.space, b.space) ? 1 : -1))[0]
}

/** Connectors need address spaces or mailboxes; mailboxes need a connector that names its servers. */
function checkConnectors(
  { connectors }: ConnectorsConfig,
  directories: readonly Mailboxes[] | undefined,
): string[] {
  const needed = directories?.flatMap(connectorsOfMailboxes) ?? []
  const used = new Set(needed.map(({ connector }) => connector))
  return [
    ...[...connectors.values()].flatMap(({ name, addressSpaces }) =>
      addressSpaces.length > 0 || used.has(name) || !directories
        ? []
        : [
            `connectors.ini [${name}] address_spaces: expected the address spaces that this connector serves, got nothing`,
          ],
    ),
    ...needed.flatMap(({ where, connector }) => {
      const known = connectors.get(connector)
      if (!known) {
        return `directory.ini ${where}: expected a connector of connectors.ini, got \`${connector}\``
      }
      // by the MX of the recipient's domain the mail would come back to this gateway
      return known.smartHosts.length > 0
        ? []
        : `connectors.ini [${connector}] smart_hosts: expected the server that holds the mailboxes (directory.ini ${where}), got nothing`
    }),
  ]
}

function checkAuthoritative(accepted: AcceptedDomainsConfig): string[] {
  const names = accepted.domains
    .filter(({ type }) => type === 'authoritative')
    .map(({ space }) => space.name)
  if (names.length === 0) return []
  return [
    `accepted-domains.ini authoritative: ${names.join(', ')} needs a directory; expected a section with a url in directory.ini`,
  ]
}

/**
 * The same of hosts given by name. `selfAmong` tells which hosts lead to this gateway; what it could
 * not find out is none of them.
 */
export async function checkNames(
  check: Pick<CrossCheck, 'directories' | 'connectors'>,
  selfAmong: (hosts: readonly SmartHost[]) => Promise<readonly SmartHost[]>,
): Promise<string[]> {
  const smartHosts = [...(check.connectors?.connectors.values() ?? [])].flatMap(
    ({ smartHosts: hosts, backupHosts }) => [...hosts, ...backupHosts],
  )
  const mailboxHosts = (check.directories ?? []).flatMap(hostsOfMailboxes).map(({ host }) => host)
  const found = await selfAmong([...smartHosts, ...mailboxHosts])
  return checkHosts(check, (host) => found.includes(host))
}

/** A line for each smart host and mailbox host that is this gateway, as the function tells. */
function checkHosts(
  { directories, connectors }: Pick<CrossCheck, 'directories' | 'connectors'>,
  isGateway: (host: SmartHost) => boolean,
): string[] {
  const errors: string[] = []
  for (const { name, smartHosts, backupHosts } of connectors?.connectors.values() ?? []) {
    for (const [key, hosts] of [
      ['smart_hosts', smartHosts],
      ['backup_hosts', backupHosts],
    ] as const) {
      for (const host of hosts.filter(isGateway)) {
        errors.push(
          `connectors.ini [${name}] ${key}: ${formatSmartHost(host)} is this gateway itself; expected the server of another system`,
        )
      }
    }
  }
  for (const { where, host } of connectors ? (directories ?? []).flatMap(hostsOfMailboxes) : []) {
    if (isGateway(host)) {
      errors.push(
        `directory.ini ${where}: ${formatSmartHost(host)} is this gateway itself; expected the server that holds the mailboxes`,
      )
    }
  }
  return errors
}
