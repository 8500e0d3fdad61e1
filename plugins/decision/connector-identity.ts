/**
 * Who is at both ends of a connector: who we are to its hosts (`ehlo_name`, a client certificate), whose
 * word on their certificates counts, and where that system's own mail comes from (`sources`).
 *
 * A client that is one of the sources is that system: what it sends is never handed back to it. A cloud's
 * addresses and certificate are shared by all its customers; `sender_domains` tells ours from others.
 */
import { parseAddressSpace, type AddressSpace } from '../mail/address-space.js'
import { normalizeDomain } from '../mail/mail-address.js'
import { parseNetwork, type Network } from '../mail/network.js'
import type { Settings } from '../config/settings.js'
import type { TlsPolicy } from './connectors-config.js'

export type Source =
  | { readonly kind: 'network'; readonly network: Network }
  /** a verified client certificate for this name */
  | { readonly kind: 'certificate'; readonly name: string }

export interface ConnectorIdentity {
  /** what we say with EHLO; empty: Haraka's config/me */
  readonly ehloName: string
  /** PEM files relative to the configuration's folder; empty: none, or the system's authorities */
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  /** the name that the host's certificate must have; empty: the host's own */
  readonly tlsName: string
  /** empty: the addresses of the smart hosts */
  readonly sources: readonly Source[]
  /** only mail from senders in these domains counts as that system's; empty: all mail */
  readonly senderDomains: readonly AddressSpace[]
}

export function readIdentity(settings: Settings, tls: TlsPolicy): ConnectorIdentity {
  const identity = {
    ehloName: readName(settings, 'ehlo_name'),
    certFile: settings.text('tls_cert_file'),
    keyFile: settings.text('tls_key_file'),
    caFile: settings.text('tls_ca_file'),
    tlsName: readName(settings, 'tls_name'),
    sources: readSources(settings),
    senderDomains: readSenderDomains(settings),
  }
  const { certFile, keyFile, caFile, tlsName } = identity
  if ((certFile === '') !== (keyFile === '')) {
    const missing = certFile === '' ? 'tls_cert_file' : 'tls_key_file'
    settings.missing(missing, '`tls_cert_file` and `tls_key_file` together')
  }
  if (tls === 'none' && certFile !== '') {
    settings.wrong('tls', 'TLS, since there is a `tls_cert_file`', tls)
  }
  if (tls !== 'verify' && (caFile !== '' || tlsName !== '')) {
    const key = caFile === '' ? 'tls_name' : 'tls_ca_file'
    settings.wrong('tls', `\`verify\`, since there is a \`${key}\``, tls)
  }
  return identity
}

function readName(settings: Settings, key: string): string {
  const text = settings.text(key)
  const name = text === '' ? '' : normalizeDomain(text)
  if (name === undefined || name.startsWith('[')) settings.wrong(key, 'a host name', text)
  return name ?? ''
}

function readSources(settings: Settings): Source[] {
  return settings.list('sources').flatMap((text): Source[] => {
    const [, certificate] = /^cert:(.*)$/iu.exec(text) ?? []
    if (certificate === undefined) {
      const network = parseNetwork(text)
      if (network) return [{ kind: 'network', network }]
    } else {
      const name = normalizeDomain(certificate)
      if (name !== undefined && !name.startsWith('[')) return [{ kind: 'certificate', name }]
    }
    settings.wrong('sources', 'a network such as 192.0.2.0/24, an address, or cert:NAME', text)
    return []
  })
}

function readSenderDomains(settings: Settings): AddressSpace[] {
  return settings.list('sender_domains').flatMap((text) => {
    const space = parseAddressSpace(text, false)
    if (!space) settings.wrong('sender_domains', 'a domain or *.domain', text)
    return space ? [space] : []
  })
}
