/**
 * The endpoints of hosts, in the order to try them: addresses as they are written, MX and A/AAAA
 * records as the syntax of a smart host says (../smart-host.ts).
 *
 * An endpoint that is this gateway itself is left out, and the MX behind it too (RFC 5321 5.1).
 * `TargetError`: no endpoint, and whether that is final. Only a domain of somebody else's can be
 * final; what the configuration names is an administrator's to mend.
 */
import { errorText } from '../../basics/error-text.js'
import { isIP } from 'node:net'

import type { Protocol, SmartHost } from '../../mail/smart-host.js'
import type { Mx, Resolver } from './resolver.js'
import type { DeliverySetup } from '../setup.js'
import { makeReply, type SmtpReply } from '../smtp/smtp-reply.js'
import type { Endpoint } from '../smtp/session.js'

interface TargetProblem {
  readonly reply?: SmtpReply
  readonly gone?: boolean
  readonly isSelf?: boolean
}

/** There is nobody to hand the mail to. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
  /** the refusal, if that is final */
  readonly reply: SmtpReply | undefined
  /** mail would come back to this gateway itself */
  readonly isSelf: boolean
  /** the configuration has no such place: its mail waits until it has */
  readonly isGone: boolean

  constructor(message: string, { reply, isSelf = false, gone = false }: TargetProblem = {}) {
    super(message)
    this.reply = reply
    this.isGone = gone
    this.isSelf = isSelf
  }
}

export class EndpointFinder {
  private readonly setup: Pick<DeliverySetup, 'isSelf' | 'env'>
  private readonly resolver: Resolver

  constructor(setup: EndpointFinder['setup'], resolver: Resolver) {
    this.setup = setup
    this.resolver = resolver
  }

  /** The endpoints of smart hosts; rejects with TargetError if there is none. */
  async ofHosts(hosts: readonly SmartHost[]): Promise<Endpoint[]> {
    const endpoints: Endpoint[] = []
    const problems: string[] = []
    for (const host of shuffled(hosts)) {
      try {
        endpoints.push(...(await this.ofHost(host)))
      } catch (error) {
        problems.push(errorText(error))
      }
    }
    if (endpoints.length === 0) throw new TargetError(problems.join('; ') || 'no smart host')
    return endpoints
  }

  /** Rejects with TargetError or what DNS says. */
  async ofHost(host: SmartHost): Promise<Endpoint[]> {
    if (host.kind === 'socket') {
      const { protocol, path } = host
      return [{ protocol, destination: { path }, names: ['localhost'] }]
    }
    const records = host.kind === 'mx' ? await this.resolver.mx(host.host) : []
    return this.ofNames(records.length > 0 ? records : [{ exchange: host.host, priority: 0 }], host)
  }

  /** RFC 5321 5.1: the MX of a domain that is somebody else's. */
  async ofDomain(domain: string): Promise<Endpoint[]> {
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
      throw new TargetError(errorText(error))
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
        problem = `${name}: ${errorText(error)}`
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

  /** Of a host name or an address; empty: none. Rejects when it could not be found out. */
  addresses(host: string): Promise<string[]> {
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
