/**
 * The certificate authorities that the operating system trusts. Node comes with a list of its own,
 * on which a company's authority never is.
 */
import { existsSync, readFileSync } from 'node:fs'
import { env } from 'node:process'

const bundles = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Alpine
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // Red Hat
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/ssl/cert.pem', // BSD, macOS
]

/** In PEM; undefined where Node's own list counts, as when it was extended for this process. */
export function systemCertificates(): string | undefined {
  if (env['NODE_EXTRA_CA_CERTS'] !== undefined) return undefined
  const bundle = [env['SSL_CERT_FILE'], ...bundles].find(
    (path) => path !== undefined && existsSync(path),
  )
  return bundle === undefined ? undefined : readFileSync(bundle, 'utf8')
}
