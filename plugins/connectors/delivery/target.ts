/**
 * Where the mail for a place goes at this moment: the endpoints in the order to try them, and how to
 * talk to them. Asked anew for every message and every attempt from the queue.
 *
 *   connector with smart hosts      those, in random order: they share the load
 *   connector without              the MX of the recipients' domain
 *   connector with bridgeheads      those, unless this gateway is one of them
 *   mailbox host                    that one
 *
 * An endpoint that is this gateway itself is left out, and the MX behind it too (RFC 5321 5.1).
 * `TargetError`: no endpoint, and whether that is final. Only a domain of somebody else's can be
 * final; what the configuration names is an administrator's to mend.
 */
import { isIP } from 'node:net'

import { readSecretFile } from '../../config/secret-file.js'
import type { Connector, TlsPolicy } from '../config.js'
import { wayTo } from '../loop.js'
import type { Place } from '../place.js'
import type { Protocol, SmartHost } from '../smart-host.js'
import type { Mx, Resolver } from './resolver.js'
import type { DeliverySetup } from './setup.js'
import type { Credentials } from './smtp/auth.js'
import { makeReply, type SmtpReply } from './smtp/reply.js'
import type { Endpoint } from './smtp/session.js'

export interface Target {
  readonly endpoints: readonly Endpoint[]
  readonly tls: TlsPolicy
  readonly credentials?: Credentials
  /** recipients a transaction */
  readonly maxRecipients: number
  readonly direct: boolean
  /** the host may hear of the client (XCLIENT) */
  readonly xclient: boolean
  /** what the tokens of the loop field call the way; to a bridgehead is another way */
  readonly way: string
}

interface TargetProblem {
  readonly reply?: SmtpReply
  readonly isSelf?: boolean
}

/** There is nobody to hand the mail to. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
  /** the refusal, if that is final */
  readonly reply: SmtpReply | undefined
  /** mail would come back to this gateway itself */
  readonly isSelf: boolean

  constructor(message: string, { reply, isSelf = false }: TargetProblem = {}) {
    super(message)
    this.reply = reply
    this.isSelf = isSelf
  }
}

/** What finding targets needs of the setup: the command line has no more. */
export type TargetSetup = Pick<
  DeliverySetup,
  'connector' | 'mailboxHost' | 'gatewayId' | 'isSelf' | 'env'
>

export class TargetFinder {
  private readonly setup: TargetSetup
  private readonly resolver: Resolver

  constructor(setup: TargetSetup, resolver: Resolver) {
    this.setup = setup
    this.resolver = resolver
  }

  /** The target for recipients of this domain at this place. Rejects with TargetError. */
  async find(place: Place, domain: string): Promise<Target> {
    switch (place.kind) {
      case 'mailbox-host': {
        const host = this.setup.mailboxHost(place.directory)
        if (!host) throw new TargetError(`directory ${place.directory} has no mailbox host now`)
        const endpoints = await this.endpoints([host])
        const way = wayTo(place, [host])
        return {
          endpoints,
          tls: 'opportunistic',
          maxRecipients: 100,
          direct: true,
          xclient: false,
          way,
        }
      }
      case 'connector': {
        const connector = this.setup.connector(place.connector)
        if (connector) return this.ofConnector(place, connector, domain)
        throw new TargetError(`connector ${place.connector} is not in the configuration now`)
      }
      case 'outbound':
        throw new TargetError(`${domain} is for Haraka's outbound`)
    }
  }

  /** Whether recipients of different domains go to different hosts there. */
  isByDomain(place: Place): boolean {
    if (place.kind !== 'connector') return false
    return this.setup.connector(place.connector)?.smartHosts.length === 0
  }

  /** IP addresses of the connector's smart hosts, as far as they can be found out. */
  async addressesOf(connector: Connector): Promise<string[]> {
    const found = await Promise.all(
      connector.smartHosts.map(async (host) => {
        if (host.kind === 'socket') return []
        const mx = host.kind === 'mx' ? await this.resolver.mx(host.host).catch(() => []) : []
        const names = mx.length > 0 ? mx.map(({ exchange }) => exchange) : [host.host]
        const lists = names.map((name) => this.addresses(name).catch(() => []))
        return (await Promise.all(lists)).flat()
      }),
    )
    return [...new Set(found.flat())]
  }

  /** Those of the hosts that lead to this gateway itself; what DNS does not tell in time does not. */
  async selfAmong(hosts: readonly SmartHost[], patience: number): Promise<SmartHost[]> {
    const found: SmartHost[] = []
    const asked = hosts.map(async (host) => {
      await this.ofHost(host).catch((error: unknown) => {
        if (error instanceof TargetError && error.isSelf) found.push(host)
      })
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)))
    await Promise.race([Promise.all(asked), late])
    clearTimeout(timer)
    return [...found]
  }

  /** The endpoints of smart hosts; rejects with TargetError if there is none. */
  async endpoints(hosts: readonly SmartHost[]): Promise<Endpoint[]> {
    const endpoints: Endpoint[] = []
    const problems: string[] = []
    for (const host of shuffled(hosts)) {
      try {
        endpoints.push(...(await this.ofHost(host)))
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error))
      }
    }
    if (endpoints.length === 0) throw new TargetError(problems.join('; ') || 'no smart host')
    return endpoints
  }

  /**
   * The ways that mail for a place goes from here (loop.ts). Mail that came by way of this gateway's
   * hand-over to a bridgehead is for this gateway to refuse, unless it is that bridgehead.
   */
  async waysTo(place: Place): Promise<string[]> {
    if (place.kind === 'outbound') return []
    if (place.kind === 'mailbox-host') {
      const host = this.setup.mailboxHost(place.directory)
      return host ? [wayTo(place, [host])] : []
    }
    const connector = this.setup.connector(place.connector)
    if (!connector) return []
    const { bridgeheads, smartHosts } = connector
    const ways = [wayTo(place, smartHosts)]
    if (bridgeheads.length === 0 || (await this.isBridgehead(bridgeheads))) return ways
    return [...ways, wayTo(place, bridgeheads)]
  }

  private async ofConnector(place: Place, connector: Connector, domain: string): Promise<Target> {
    const { tls, maxRecipients, bridgeheads, smartHosts } = connector
    const common = { tls, maxRecipients, direct: connector.delivery === 'direct' }
    if (bridgeheads.length > 0 && !(await this.isBridgehead(bridgeheads))) {
      const endpoints = await this.endpoints(bridgeheads)
      return { ...common, endpoints, xclient: false, way: wayTo(place, bridgeheads) }
    }
    return {
      ...common,
      endpoints:
        smartHosts.length > 0 ? await this.endpoints(smartHosts) : await this.ofDomain(domain),
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
      throw new TargetError(error instanceof Error ? error.message : String(error))
    }
  }

  private async isBridgehead(bridgeheads: readonly SmartHost[]): Promise<boolean> {
    const id = this.setup.gatewayId().toLowerCase()
    for (const bridgehead of bridgeheads) {
      if (bridgehead.kind === 'socket') continue
      if (bridgehead.host === id) return true
      const addresses = await this.addresses(bridgehead.host).catch(() => [])
      if (addresses.some((ip) => this.setup.isSelf(ip, bridgehead.port))) return true
    }
    return false
  }

  private async ofHost(host: SmartHost): Promise<Endpoint[]> {
    if (host.kind === 'socket') {
      const { protocol, path } = host
      return [{ protocol, destination: { path }, names: ['localhost'] }]
    }
    const records = host.kind === 'mx' ? await this.resolver.mx(host.host) : []
    return this.ofNames(records.length > 0 ? records : [{ exchange: host.host, priority: 0 }], host)
  }

  /** RFC 5321 5.1: the MX of a domain that is somebody else's. */
  private async ofDomain(domain: string): Promise<Endpoint[]> {
    const literal = /^\[(?:ipv6:)?(.+)\]$/iu.exec(domain)?.[1]
    const host = { protocol: 'smtp', host: literal ?? domain, port: 25 } as const
    let records
    try {
      records = literal === undefined ? await this.resolver.mx(domain) : []
    } catch (error) {
      throw new TargetError(`MX of ${domain}: ${error instanceof Error ? error.message : ''}`)
    }
    // RFC 7505
    if (records.length === 1 && ['', '.'].includes(records[0]?.exchange ?? '')) {
      throw new TargetError(`${domain} takes no mail`, {
        reply: makeReply(556, [`5.1.10 ${domain} takes no mail (null MX)`]),
      })
    }
    if (records.length > 0) return this.ofNames(records, host)
    const addresses = await this.addresses(host.host).catch((error: unknown) => {
      throw new TargetError(error instanceof Error ? error.message : String(error))
    })
    if (addresses.length === 0) {
      const reply = makeReply(550, [`5.1.2 ${domain} has no mail host in DNS`])
      throw new TargetError(`no MX`, { reply })
    }
    return this.ofNames([{ exchange: host.host, priority: 0 }], host)
  }

  /** The addresses of MX hosts, those that are preferred first. */
  private async ofNames(
    records: readonly Mx[],
    { protocol, host, port }: { protocol: Protocol; host: string; port: number },
  ): Promise<Endpoint[]> {
    const endpoints: { endpoint: Endpoint; priority: number }[] = []
    let problem = `${host}: expected an address, got none`
    let limit = Infinity
    for (const { exchange, priority } of byPreference(records)) {
      if (priority >= limit) break
      const name = exchange.toLowerCase()
      let addresses: string[] = []
      try {
        addresses = await this.addresses(name)
      } catch (error) {
        problem = `${name}: ${error instanceof Error ? error.message : String(error)}`
      }
      if (addresses.some((ip) => this.setup.isSelf(ip, port))) {
        // this host, those beside it and those behind it would hand the mail back to us
        problem = `${name} is this gateway itself`
        this.setup.env.log.error(`${problem}: nothing is delivered to it`)
        limit = priority
      }
      const names = name === host ? [name] : [name, host]
      for (const address of addresses) {
        const endpoint = { protocol, destination: { host: address, port }, names }
        endpoints.push({ endpoint, priority })
      }
    }
    const usable = endpoints.filter(({ priority }) => priority < limit)
    if (usable.length === 0) throw new TargetError(problem, { isSelf: limit < Infinity })
    return usable.map(({ endpoint }) => endpoint)
  }

  private addresses(host: string): Promise<string[]> {
    return isIP(host) ? Promise.resolve([host]) : this.resolver.addresses(host)
  }
}

/** The addresses of smart hosts that are all written as such; `undefined`: DNS has to be asked. */
export function literalAddresses(smartHosts: readonly SmartHost[]): string[] | undefined {
  const addresses: string[] = []
  for (const host of smartHosts) {
    if (host.kind === 'socket') continue
    if (host.kind === 'mx' || isIP(host.host) === 0) return undefined
    addresses.push(host.host)
  }
  return addresses
}

function byPreference(records: readonly Mx[]): Mx[] {
  return shuffled(records).sort((a, b) => a.priority - b.priority)
}

function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    const taken = result[at] as T
    result[at] = result[other] as T
    result[other] = taken
  }
  return result
}
