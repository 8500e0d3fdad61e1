/**
 * Whether a client is the system behind a connector: by `sources`, else by the addresses of its smart
 * hosts; and, where `sender_domains` says so, only for senders of those domains. A message of nobody's
 * (the null sender) may be any customer's of a cloud, so there it is a stranger's too.
 */
import { AddressSpaceTable } from '../mail/address-space.js'
import { plainIp } from '../mail/ip-address.js'
import type { Connector } from './connectors-config.js'

/** What is known of a client. */
export interface Origin {
  /** the peer's address as Haraka reports it, IPv4-mapped or not; empty: the gateway itself */
  readonly ip: string
  /** the domain of the envelope's sender; absent or empty: the null sender */
  readonly senderDomain?: string
  /** whether it has shown a certificate that is good and for the name; absent: it has shown none */
  readonly hasCertificateFor?: (name: string) => boolean
}

type Where = Pick<Connector, 'identity'>

/** `addressesOf` is asked only where nothing else tells; what it cannot find out is none. */
export async function isFrom(
  { identity: { sources, senderDomains } }: Where,
  { ip, senderDomain = '', hasCertificateFor }: Origin,
  addressesOf: () => Promise<readonly string[]>,
): Promise<boolean> {
  if (ip === '') return false
  if (senderDomains.length > 0) {
    const table = new AddressSpaceTable<true>()
    for (const space of senderDomains) table.set(space, true)
    if (table.find(senderDomain) === undefined) return false
  }
  if (sources.length === 0) {
    const asked = plainIp(ip)
    return (await addressesOf()).some((address) => plainIp(address) === asked)
  }
  return sources.some((source) => {
    switch (source.kind) {
      case 'network':
        return source.network.has(ip)
      case 'certificate':
        return hasCertificateFor?.(source.name) === true
    }
  })
}
