/**
 * Who is at both ends of the connectors, as far as files tell: our certificates (days left, an incomplete
 * chain), authorities that have expired, and sources that let in more than the other system.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { systemCertificates } from '../../basics/system-certificates.js'
import {
  connectorsFile,
  type Connector,
  type ConnectorsConfig,
} from '../../decision/connectors-config.js'
import { identityErrors } from '../../gateway/identity-errors.js'
import type { Environment } from '../../config/environment.js'
import { overlap, parseNetwork } from '../../mail/network.js'
import type { Install } from '../opened-install.js'
import { findingOf } from './config-error.js'
import { good, note, wrong, type Finding } from '../../operations/finding.js'

const soon = 21
const day = 86_400_000

/** Address ranges that all customers of a cloud send from, as the clouds publish them. */
const clouds: Readonly<Record<string, readonly string[]>> = {
  'Exchange Online': [
    '40.92.0.0/15',
    '40.107.0.0/16',
    '52.100.0.0/14',
    '104.47.0.0/17',
    '2a01:111:f400::/48',
    '2a01:111:f403::/48',
  ],
  Google: ['74.125.0.0/16', '209.85.128.0/17', '2607:f8b0:4000::/36', '2a00:1450:4000::/36'],
}
const cloudHosts: readonly [host: RegExp, cloud: string, certificate: string][] = [
  [/\.mail\.protection\.outlook\.com$/u, 'Exchange Online', 'mail.protection.outlook.com'],
  [/\.mx\.microsoft$/u, 'Exchange Online', 'mail.protection.outlook.com'],
  [/(?:^|\.)aspmx\.l\.google\.com$|\.smtp\.goog$/u, 'Google', 'smtp.gmail.com'],
]

export function checkIdentities(
  config: ConnectorsConfig,
  install: Install,
  env: Environment,
): Finding[] {
  const errors = identityErrors(config, env)
  if (errors.length > 0) return errors.map(findingOf)
  return [...config.connectors.values()].flatMap((connector) => [
    ...checkOurs(connector, env),
    ...checkAuthorities(connector, env),
    ...checkTlsPlugin(connector, install),
    ...checkClouds(connector),
  ])
}

function checkOurs({ name, identity }: Connector, { configDir }: Environment): Finding[] {
  const { certFile, caFile } = identity
  if (certFile === '') return []
  const where = `${connectorsFile} [${name}] tls_cert_file`
  const [leaf, ...chain] = certificatesIn(resolve(configDir, certFile))
  if (!leaf) return []
  const findings = [daysLeft(where, leaf)]
  const own = caFile === '' ? [] : certificatesIn(resolve(configDir, caFile))
  const known = [...chain, ...own, ...(systemCertificates() ?? []).flatMap(certificatesOf)]
  const missing = missingIssuer(leaf, known)
  if (missing !== undefined) {
    findings.push(
      note(
        where,
        `its chain is incomplete: nobody here is ${missing}`,
        'a host that does not have that certificate itself cannot check ours, and takes us for a stranger',
        'put the certificates between it and its authority behind it, in the same file',
      ),
    )
  }
  return findings
}

/** Days left of a certificate, of ours or of a host's. */
export function daysLeft(
  where: string,
  { validTo, subject }: Pick<X509Certificate, 'validTo' | 'subject'>,
): Finding {
  const days = Math.floor((Date.parse(validTo) - Date.now()) / day)
  const name = subject.replaceAll('\n', ', ')
  if (days < 0) {
    return wrong(
      where,
      `the certificate of ${name} has expired (${validTo})`,
      'the other side takes it for none: mail waits, or is refused',
      'renew it; a connector needs no restart for that',
    )
  }
  if (days < soon) {
    return note(
      where,
      `the certificate of ${name} has ${days} days left`,
      'when it has expired, mail waits or is refused',
      'renew it; a connector needs no restart for that',
    )
  }
  return good(where, `the certificate of ${name} has ${days} days left`)
}

/** The first issuer on the way up that is not known; `undefined`: the chain ends in an authority. */
export function missingIssuer(
  leaf: X509Certificate,
  known: readonly X509Certificate[],
): string | undefined {
  let at = leaf
  for (let steps = 0; steps < 10; steps += 1) {
    const current = at
    if (current.checkIssued(current)) return undefined
    const issuer = known.find((one) => current.checkIssued(one))
    if (!issuer) return current.issuer.replaceAll('\n', ', ')
    at = issuer
  }
  return undefined
}

function checkAuthorities({ name, identity }: Connector, { configDir }: Environment): Finding[] {
  if (identity.caFile === '') return []
  const where = `${connectorsFile} [${name}] tls_ca_file`
  return certificatesIn(resolve(configDir, identity.caFile))
    .map((authority) => daysLeft(where, authority))
    .filter(({ kind }) => kind !== 'good')
}

/** `cert:` needs Haraka's tls plugin above, and authorities that it believes of clients. */
function checkTlsPlugin({ name, identity }: Connector, install: Install): Finding[] {
  const names = identity.sources.flatMap((one) => (one.kind === 'certificate' ? one.name : []))
  if (names.length === 0 || !install.enabled || install.plugins.includes('tls')) return []
  return [
    wrong(
      `${connectorsFile} [${name}] sources`,
      `cert:${names.join(', cert:')} without Haraka's tls plugin`,
      'no client can show a certificate: none is ever that system, and its mail may go back to it',
      'put `tls` into config/plugins, with a certificate, and `ca` in config/tls.ini',
    ),
  ]
}

function checkClouds({ name, smartHosts, identity }: Connector): Finding[] {
  const { sources, senderDomains } = identity
  const where = `${connectorsFile} [${name}]`
  const host = smartHosts.flatMap((one) => (one.kind === 'socket' ? [] : one.host))
  for (const [pattern, cloud, certificate] of cloudHosts) {
    if (sources.length > 0 || !host.some((one) => pattern.test(one))) continue
    return [
      note(
        `${where} sources`,
        `not said, and the smart host is ${cloud}'s`,
        'its mail comes from other addresses than ours goes to: what it sends back is found by the loop field only',
        `write sources = cert:${certificate} and sender_domains = your domains`,
      ),
    ]
  }
  const networks = sources.flatMap((one) => (one.kind === 'network' ? one.network : []))
  for (const [cloud, ranges] of Object.entries(clouds)) {
    const shared = networks.find((one) =>
      ranges.some((text) => {
        const range = parseNetwork(text)
        return range !== undefined && overlap(one, range)
      }),
    )
    if (!shared || senderDomains.length > 0) continue
    return [
      note(
        `${where} sources`,
        `${shared.text} is ${cloud}'s, for all its customers`,
        "another customer's mail counts as that system's: for its own users it is refused (550 5.1.1)",
        'write cert:NAME in its place, and sender_domains = your domains',
      ),
    ]
  }
  if (sources.some(({ kind }) => kind === 'certificate') && senderDomains.length === 0) {
    return [
      note(
        `${where} sender_domains`,
        'not said, and sources has a certificate',
        "a cloud's certificate is the same for all its customers, and their mail counts as that system's",
        'write sender_domains = your domains, unless the certificate is of a server of your own',
      ),
    ]
  }
  return []
}

function certificatesIn(path: string): X509Certificate[] {
  return certificatesOf(readFileSync(path, 'utf8'))
}

/** Those that can be read; what is wrong with a file as a whole is found when it is put to use. */
function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? []
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      // an authority of the system with a key that this Node does not know
      return []
    }
  })
}
