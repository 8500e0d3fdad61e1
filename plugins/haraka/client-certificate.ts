/**
 * Whether a client has shown a certificate that is good and for a name (`sources = cert:NAME`).
 *
 * Haraka's tls plugin asks every client for one. What it notes as `verified` is not to be built on: after
 * STARTTLS it wraps the socket itself, and Node tells `authorized` only of sockets that its own TLS server
 * has made, so there it is always false (3.3.4). OpenSSL's own word on the chain, against `ca` of tls.ini,
 * is asked for instead; where that cannot be had, no certificate is good.
 */
import { checkServerIdentity, TLSSocket } from 'node:tls'

import type { HarakaConnection } from './haraka.js'

/** RFC 6125: the name is one of the certificate's, which may be a wildcard. */
export function hasCertificateFor({ client }: HarakaConnection, name: string): boolean {
  const socket = tlsSocketIn(client)
  if (!socket || !isVerified(socket)) return false
  const certificate = socket.getPeerCertificate()
  // without a certificate it is an empty object, after the connection's end nothing
  if (!(certificate as Partial<typeof certificate> | null)?.subject) return false
  return checkServerIdentity(name, certificate) === undefined
}

/** SMTPS gives Haraka the socket itself, STARTTLS one in a pluggable stream. */
function tlsSocketIn(client: unknown): TLSSocket | undefined {
  if (client instanceof TLSSocket) return client
  if (typeof client !== 'object' || client === null) return undefined
  const { cleartext } = client as { cleartext?: unknown }
  return cleartext instanceof TLSSocket ? cleartext : undefined
}

function isVerified(socket: TLSSocket): boolean {
  if (socket.authorized) return true
  const { _handle: handle } = socket as unknown as { _handle?: { verifyError?: () => unknown } }
  return typeof handle?.verifyError === 'function' && handle.verifyError() === null
}
