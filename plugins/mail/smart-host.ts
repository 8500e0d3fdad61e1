/**
 * The text of a smart host or a mailbox host.
 *
 *   [192.0.2.10]  [mail.unix.example]:2525   the host itself: its address, or its A/AAAA
 *   mail.unix.example                          its MX records first (Exchange, Postfix)
 *   lmtp://[127.0.0.1]:24   smtp://host        the protocol; SMTP is the default
 *   lmtp://unix:/run/dovecot/lmtp              a socket
 *
 * RFC 5321 5.1 (MX), RFC 2033 (LMTP); the article: "you must type square brackets".
 */
import { isIP } from 'node:net'

import { normalizeDomain } from './mail-address.js'

export type Protocol = 'smtp' | 'lmtp'

export type SmartHost =
  | { readonly kind: 'socket'; readonly protocol: Protocol; readonly path: string }
  | {
      /** `host`: as it is (address or A/AAAA); `mx`: its MX records first */
      readonly kind: 'host' | 'mx'
      readonly protocol: Protocol
      readonly host: string
      readonly port: number
    }

/** What a message may tell the administrator that was expected. */
export const smartHostForms =
  'a smart host such as [192.0.2.10], [192.0.2.10]:2525, mail.example.com, lmtp://[127.0.0.1]:24 or lmtp://unix:/path'

const defaultPort = { smtp: 25, lmtp: 24 }

/** Reads one smart host; `undefined` if the text is none. */
export function parseSmartHost(text: string): SmartHost | undefined {
  const match = /^(?:(smtp|lmtp):\/\/)?(.+)$/iu.exec(text)
  const protocol: Protocol = match?.[1]?.toLowerCase() === 'lmtp' ? 'lmtp' : 'smtp'
  const rest = match?.[2] ?? ''
  if (rest.startsWith('unix:')) {
    const path = rest.slice('unix:'.length)
    return path.startsWith('/') ? { kind: 'socket', protocol, path } : undefined
  }
  const [, bracketed, bare, portText] =
    /^(?:\[([^\]]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/u.exec(rest) ?? []
  const port = portText === undefined ? defaultPort[protocol] : Number(portText)
  if (port < 1 || port > 65535) return undefined
  if (bracketed !== undefined) {
    const literal = bracketed.replace(/^ipv6:/iu, '')
    const host = isIP(literal) ? literal.toLowerCase() : normalizeDomain(literal)
    return host === undefined ? undefined : { kind: 'host', protocol, host, port }
  }
  const host = bare === undefined || isIP(bare) ? undefined : normalizeDomain(bare)
  return host === undefined ? undefined : { kind: 'mx', protocol, host, port }
}

/** The text that `parseSmartHost` reads back to the same smart host; a default port is left out. */
export function formatSmartHost(smartHost: SmartHost): string {
  const scheme = smartHost.protocol === 'lmtp' ? 'lmtp://' : ''
  if (smartHost.kind === 'socket') return `${scheme}unix:${smartHost.path}`
  const { kind, host, port, protocol } = smartHost
  const name = kind === 'host' ? `[${host}]` : host
  return `${scheme}${name}${port === defaultPort[protocol] ? '' : `:${port}`}`
}
