/**
 * Until when the certificates of this gateway are good: Haraka's own (tls.ini), with which it answers
 * clients, and that of each connector (`tls_cert_file`), with which it hands over. Mailbox connectors
 * are connectors, too.
 *
 * A file that cannot be read tells nothing here: `check`, the start and a reload say so.
 */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { connectorsFile } from '../decision/connectors-config.js'
import type { Configuration } from '../decision/configuration.js'
import type { CertificateView } from './view.js'

/** `own`: the file that tls.ini names. Never rejects. */
export async function readCertificates(
  configDir: string,
  own: string,
  { connectors }: Configuration,
): Promise<CertificateView[]> {
  const files = [...(connectors?.connectors.values() ?? [])].flatMap(({ name, identity }) =>
    identity.certFile === ''
      ? []
      : [{ where: `${connectorsFile} [${name}] tls_cert_file`, file: identity.certFile }],
  )
  const read = [{ where: own, file: own }, ...files].map(async ({ where, file }) => {
    const notAfter = await endOf(resolve(configDir, file))
    return notAfter === undefined ? [] : [{ where, notAfter }]
  })
  return (await Promise.all(read)).flat()
}

/** Milliseconds since 1970; of a chain the first one is ours. */
async function endOf(path: string): Promise<number | undefined> {
  try {
    return Date.parse(new X509Certificate(await readFile(path)).validTo)
  } catch {
    return undefined
  }
}
