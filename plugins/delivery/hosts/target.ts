/**
 * Where the mail for a place goes at this moment: the endpoints in the order to try them, and how to
 * talk to them. Asked anew for every message and every attempt from the queue; what cannot be another from
 * one to the next is kept for a second.
 *
 *   connector with smart hosts      those, in random order: they share the load
 *   connector without              the MX of the recipients' domain
 *   connector with bridgeheads      those, unless this gateway is one of them
 *   mailbox host                    that one
 *   mailboxes of this Haraka        this gateway itself, for reports only: see local.ts
 *
 * The backup hosts of a connector come into use while all those are left alone (place-sender.ts).
 *
 * `TargetError`: there is none, and whether that is final (endpoints.ts).
 */
import { errorText } from '../../basics/error-text.js'
import { inTime } from '../../basics/in-time.js'
import type { Soon } from '../../basics/soon.js'
import { readSecretFile } from '../../config/secret-file.js'
import {
  mailboxHostSettings,
  type Connector,
  type TlsPolicy,
} from '../../decision/connectors-config.js'
import { wayTo } from '../../loop/tokens.js'
import { placeKey, type Place } from '../../mail/place.js'
import { formatSmartHost, type SmartHost } from '../../mail/smart-host.js'
import { EndpointFinder, TargetError } from './endpoints.js'
import { localTarget } from './local.js'
import { RecentTargets } from './recent-targets.js'
import type { Resolver } from './resolver.js'
import type { DeliverySetup } from '../setup.js'
import type { Credentials } from '../smtp/auth.js'
import type { Endpoint, SessionIdentity } from '../smtp/session.js'
import { TlsIdentities } from '../smtp/tls-identity.js'

export { TargetError } from './endpoints.js'

export interface Target {
  /** the place's key */
  readonly place: string
  readonly endpoints: readonly Endpoint[]
  /** used while all of those are left alone */
  readonly backups: readonly Endpoint[]
  /** sessions with a host, of all processes together */
  readonly maxSessions: number
  readonly tls: TlsPolicy
  readonly credentials?: Credentials
  readonly identity?: SessionIdentity
  /** recipients a transaction */
  readonly maxRecipients: number
  readonly direct: boolean
  /** the host may hear of the client (XCLIENT) */
  readonly xclient: boolean
  /** it may get a message as a chunk, if it takes chunks (RFC 3030) */
  readonly chunking: boolean
  /** what the tokens of the loop field call the way; to a bridgehead is another way */
  readonly way: string
}

/** What finding targets needs of the setup: the command line has no more. */
export type TargetSetup = Pick<
  DeliverySetup,
  'connector' | 'mailboxHost' | 'gatewayId' | 'isSelf' | 'env' | 'listeners'
>

export class TargetFinder {
  private readonly setup: TargetSetup
  private readonly resolver: Resolver
  private readonly finder: EndpointFinder
  private readonly identities: TlsIdentities
  private readonly recent = new RecentTargets()

  constructor(setup: TargetSetup, resolver: Resolver) {
    this.setup = setup
    this.resolver = resolver
    this.finder = new EndpointFinder(setup, resolver)
    this.identities = new TlsIdentities(setup.env)
  }

  /** The target for recipients of this domain at this place. Rejects with TargetError. */
  find(place: Place, domain: string): Soon<Target> {
    const [settings, find] = this.lookFor(place, domain)
    return settings === undefined ? find() : this.recent.of(placeKey(place), settings, find)
  }

  /** How it is found out, and the settings that it depends on; undefined: on more than those. */
  private lookFor(place: Place, domain: string): [settings: unknown, find: () => Promise<Target>] {
    switch (place.kind) {
      case 'mailbox-host': {
        const host = this.setup.mailboxHost(place.directory, place.host)
        if (!host) return nowhere(`${placeKey(place)} is not in the configuration now`, true)
        return [formatSmartHost(host), () => this.ofMailboxHost(place, host)]
      }
      case 'connector': {
        const connector = this.setup.connector(place.connector)
        if (!connector) {
          return nowhere(`connector ${place.connector} is not in the configuration now`, true)
        }
        // several domains would be as many targets
        const settings = connector.smartHosts.length === 0 ? undefined : connector
        return [settings, () => this.ofConnector(place, connector, domain)]
      }
      case 'local':
        return [undefined, async () => localTarget(this.setup.listeners ?? [])]
      case 'outbound':
        return nowhere(`${domain} is for Haraka's outbound`, false)
    }
  }

  /** The endpoints of smart hosts; rejects with TargetError if there is none. */
  endpoints(hosts: readonly SmartHost[]): Promise<Endpoint[]> {
    return this.finder.ofHosts(hosts)
  }

  /** Whether recipients of different domains go to different hosts there. */
  isByDomain(place: Place): boolean {
    if (place.kind !== 'connector') return false
    return this.setup.connector(place.connector)?.smartHosts.length === 0
  }

  /** IP addresses of the connector's smart hosts, as far as they can be found out. */
  async addressesOf(connector: Pick<Connector, 'smartHosts' | 'backupHosts'>): Promise<string[]> {
    const found = await Promise.all(
      [...connector.smartHosts, ...connector.backupHosts].map(async (host) => {
        if (host.kind === 'socket') return []
        const mx = host.kind === 'mx' ? await this.resolver.mx(host.host).catch(() => []) : []
        const names = mx.length > 0 ? mx.map(({ exchange }) => exchange) : [host.host]
        const lists = names.map((name) => this.finder.addresses(name).catch(() => []))
        return (await Promise.all(lists)).flat()
      }),
    )
    return [...new Set(found.flat())]
  }

  /** Those of the hosts that lead to this gateway itself; what DNS does not tell in time does not. */
  async selfAmong(hosts: readonly SmartHost[], patience: number): Promise<SmartHost[]> {
    const found: SmartHost[] = []
    const asked = hosts.map(async (host) => {
      await this.finder.ofHost(host).catch((error: unknown) => {
        if (error instanceof TargetError && error.isSelf) found.push(host)
      })
    })
    await inTime(Promise.all(asked), patience, () => undefined)
    return [...found]
  }

  /**
   * The ways that mail for a place goes from here (loop/tokens.ts). Mail that came by way of this gateway's
   * hand-over to a bridgehead is for this gateway to refuse, unless it is that bridgehead.
   */
  async waysTo(place: Place): Promise<string[]> {
    if (place.kind === 'outbound' || place.kind === 'local') return []
    if (place.kind === 'mailbox-host') {
      const host = this.setup.mailboxHost(place.directory, place.host)
      return host ? [wayTo(place, [host])] : []
    }
    const connector = this.setup.connector(place.connector)
    if (!connector) return []
    const { bridgeheads, smartHosts } = connector
    const ways = [wayTo(place, smartHosts)]
    if (bridgeheads.length === 0 || (await this.isBridgehead(bridgeheads))) return ways
    return [...ways, wayTo(place, bridgeheads)]
  }

  private async ofMailboxHost(place: Place, host: SmartHost): Promise<Target> {
    const { maxSessions, maxRecipients } = mailboxHostSettings
    return {
      place: placeKey(place),
      endpoints: await this.finder.ofHosts([host]),
      backups: [],
      maxSessions,
      tls: 'opportunistic',
      maxRecipients,
      direct: true,
      xclient: false,
      chunking: true,
      way: wayTo(place, [host]),
    }
  }

  private async ofConnector(place: Place, connector: Connector, domain: string): Promise<Target> {
    const { tls, maxRecipients, maxSessions, chunking } = connector
    const { bridgeheads, smartHosts, backupHosts } = connector
    const direct = connector.delivery === 'direct'
    const limits = { maxRecipients, maxSessions }
    const identity = sessionIdentity(connector, this.identities)
    const common = {
      place: placeKey(place),
      tls,
      ...limits,
      chunking,
      direct,
      identity,
      backups: [],
    }
    if (bridgeheads.length > 0 && !(await this.isBridgehead(bridgeheads))) {
      const endpoints = await this.finder.ofHosts(bridgeheads)
      const toGateway = { ...identity, tlsName: '' }
      return {
        ...common,
        identity: toGateway,
        endpoints,
        xclient: false,
        way: wayTo(place, bridgeheads),
      }
    }
    return {
      ...common,
      endpoints:
        smartHosts.length > 0
          ? await this.finder.ofHosts(smartHosts)
          : await this.finder.ofDomain(domain),
      // a name of a backup that is not found takes nothing from the others
      backups: backupHosts.length > 0 ? await this.finder.ofHosts(backupHosts).catch(() => []) : [],
      xclient: connector.xclient,
      way: wayTo(place, smartHosts),
      ...this.credentials(connector),
    }
  }

  private credentials({ authUser, authPasswordFile }: Connector): { credentials?: Credentials } {
    if (authUser === '') return {}
    try {
      const password = readSecretFile(this.setup.env.configDir, authPasswordFile)
      return { credentials: { user: authUser, password } }
    } catch (error) {
      throw new TargetError(errorText(error))
    }
  }

  private async isBridgehead(bridgeheads: readonly SmartHost[]): Promise<boolean> {
    const id = this.setup.gatewayId().toLowerCase()
    for (const bridgehead of bridgeheads) {
      if (bridgehead.kind === 'socket') continue
      if (bridgehead.host === id) return true
      const addresses = await this.finder.addresses(bridgehead.host).catch(() => [])
      if (addresses.some((ip) => this.setup.isSelf(ip, bridgehead.port))) return true
    }
    return false
  }
}

function nowhere(reason: string, gone: boolean): [undefined, () => Promise<Target>] {
  return [undefined, () => Promise.reject(new TargetError(reason, { gone }))]
}

/** Who we are to a connector's hosts, and who they have to be. Throws TargetError. */
export function sessionIdentity(
  { name, tls, identity }: Connector,
  identities: TlsIdentities,
): SessionIdentity {
  const { ehloName, tlsName, certFile } = identity
  // the authorities are asked only where the host's certificate is checked
  if (tls !== 'verify' && certFile === '') return { ehloName, tlsName }
  try {
    return { ehloName, tlsName, tls: identities.of(identity) }
  } catch (error) {
    throw new TargetError(`connector ${name}, ${errorText(error)}`)
  }
}
