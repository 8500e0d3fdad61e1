/** Networks of IP addresses in CIDR notation; a single address is a network of one (RFC 4632, 4291). */
import { BlockList, isIP } from 'node:net'

import { plainIp } from './ip-address.js'

export interface Network {
  /** as it was written */
  readonly text: string
  /** lower case, IPv4-mapped as IPv4 */
  readonly address: string
  readonly bits: number
  has(ip: string): boolean
}

/** `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.1`; `undefined` if the text is none. */
export function parseNetwork(text: string): Network | undefined {
  const [, written = '', bitsText] = /^\[?([0-9a-f:.]+)\]?(?:\/(\d{1,3}))?$/iu.exec(text) ?? []
  const address = plainIp(written)
  const kind = isIP(address)
  if (kind === 0) return undefined
  const most = kind === 4 ? 32 : 128
  const bits = bitsText === undefined ? most : Number(bitsText)
  if (bits > most) return undefined
  const list = new BlockList()
  list.addSubnet(address, bits, kind === 4 ? 'ipv4' : 'ipv6')
  return {
    text,
    address,
    bits,
    has: (ip) => {
      const asked = plainIp(ip)
      const family = isIP(asked)
      return family !== 0 && list.check(asked, family === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/** Whether the two have an address in common. */
export function overlap(one: Network, other: Network): boolean {
  return one.has(other.address) || other.has(one.address)
}
