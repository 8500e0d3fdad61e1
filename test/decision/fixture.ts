/** A mail switch over ini text and a few objects in memory, for tests of the decision. */
import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { parseMailAddress, type MailAddress } from '../../plugins/mail/mail-address.js'
import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { RouteTable } from '../../plugins/decision/route.js'
import type { DirectoryEntry, FindAddress, Lookup } from '../../plugins/directory/directory.js'
import { isFrom } from '../../plugins/decision/origin.js'
import type { SwitchParts } from '../../plugins/decision/mail-switch.js'
import type { Verification } from '../../plugins/mail/verification.js'

export interface TestObject {
  readonly dn: string
  readonly addresses: readonly string[]
  readonly target?: string
  readonly contact?: boolean
}

export const domains = `
authoritative = example.local, xo.one
shared = example.com, remote.domain, closed.example, orphan.example
relay = partner.example, lost.example
observe = watched.example
postmaster = admin@example.local
recipient_delimiter = +
`

export const connectors = `
[unix]
address_spaces = example.com, watched.example
smart_hosts = [192.0.2.10]
allow_relay = true
[remote]
address_spaces = remote.domain
smart_hosts = [192.0.2.20]
allow_relay = true
[partner]
address_spaces = partner.example, closed.example
smart_hosts = [192.0.2.30]
[partner-open]
address_spaces = partner.example
smart_hosts = [192.0.2.31]
allow_relay = true
cost = 20
`

/** A connector's smart host is the address written in brackets. */
const hostOf = (text: string): Map<string, string> =>
  new Map(
    [...parseConnectorsConfig(text.split('\n')).connectors.values()].map((connector) => {
      const [host] = connector.smartHosts
      return [connector.name, host?.kind === 'host' ? host.host : '']
    }),
  )

export interface SwitchOptions {
  readonly domains?: string
  readonly connectors?: string | undefined
  readonly contacts?: boolean
  readonly decidesDomains?: boolean
  readonly objects?: readonly TestObject[]
  readonly failing?: readonly string[]
  readonly mailboxHost?: boolean
  readonly verify?: (connector: string, recipient: string) => Verification
  readonly asked?: string[]
}

export function makeSwitch(options: SwitchOptions): SwitchParts {
  const text = 'connectors' in options ? options.connectors : connectors
  const acceptedDomains = parseAcceptedDomains((options.domains ?? domains).split('\n'))
  const hosts = text === undefined ? undefined : hostOf(text)
  return {
    decidesDomains: options.decidesDomains ?? true,
    contacts: options.contacts ?? true,
    acceptedDomains,
    directories: {
      find: findIn(options),
      mailboxPlace: (directory, host) =>
        (options.mailboxHost ?? true)
          ? { kind: 'mailbox-host', directory, ...(host !== undefined && { host }) }
          : undefined,
    },
    ...(text !== undefined && {
      connectors: {
        routes: new RouteTable(parseConnectorsConfig(text.split('\n')).connectors.values()),
        isFrom: (connector, client) =>
          isFrom(connector, client, () => Promise.resolve([hosts?.get(connector.name) ?? ''])),
        verify: (connector, recipient) =>
          Promise.resolve(
            options.verify?.(connector.name, recipient.key) ?? { kind: 'unknown', reason: 'x' },
          ),
      },
    }),
  }
}

export function findIn({ objects = [], failing = [], asked }: SwitchOptions): FindAddress {
  return (address, elsewhere): Promise<Lookup> => {
    // there is one directory
    if (elsewhere === 'corp') return Promise.resolve({ kind: 'none' })
    asked?.push(address.key)
    if (failing.includes(address.key)) {
      return Promise.resolve({ kind: 'failed', directory: 'corp', reason: 'timeout' })
    }
    const entries = objects.filter((object) => object.addresses.includes(address.key))
    const [first] = entries
    if (!first) return Promise.resolve({ kind: 'none' })
    if (entries.length > 1) {
      const dns = entries.map(({ dn }) => dn)
      return Promise.resolve({ kind: 'ambiguous', directory: 'corp', dns })
    }
    return Promise.resolve({ kind: 'found', directory: 'corp', entry: toEntry(first) })
  }
}

function toEntry({ dn, addresses, target, contact }: TestObject): DirectoryEntry {
  return {
    dn,
    addresses,
    isContact: contact ?? target !== undefined,
    ...(target !== undefined && { targetAddress: target }),
  }
}

export function address(text: string): MailAddress {
  const parsed = parseMailAddress(text)
  if (!parsed) throw new Error(`no address: ${text}`)
  return parsed
}
