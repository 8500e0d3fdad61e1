/** IP addresses as they are compared. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** One text for one address: IPv4-mapped IPv6 as IPv4, other IPv6 as RFC 5952 writes it. */
export function plainIp(ip: string): string {
  if (isIPv4(ip)) return ip
  const [text = ''] = ip.toLowerCase().split('%')
  if (!isIPv6(text)) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
}
