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

/**
 * In PEM, with those that NODE_EXTRA_CA_CERTS adds for this process; undefined where the system has
 * no list: then Node's own counts.
 */
export function systemCertificates(): string[] | undefined {
  const bundle = [env['SSL_CERT_FILE'], ...bundles].find(
    (path) => path !== undefined && existsSync(path),
  )
  if (bundle === undefined) return undefined
  const extra = env['NODE_EXTRA_CA_CERTS']
  const files = extra !== undefined && existsSync(extra) ? [bundle, extra] : [bundle]
  return files.map((path) => readFileSync(path, 'utf8'))
}
