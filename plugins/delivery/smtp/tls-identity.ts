/**
 * Who we are to a host, and whose word on its certificate counts: the files of a connector as a context
 * of TLS. They are looked at for every session that is opened and read again when one has changed, so a
 * renewed certificate needs no restart.
 *
 * Files that cannot be used are an error the first time; later the last good ones stay, and it is logged:
 * who renews a certificate writes two files, and not at once.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'

import { errorText } from '../../basics/error-text.js'
import { systemCertificates } from '../../basics/system-certificates.js'
import type { Environment } from '../../config/environment.js'

/** Names relative to the configuration's folder; empty: none. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  /** empty: the authorities of the system */
  readonly caFile: string
}

export interface TlsIdentity {
  readonly context: SecureContext
  /** another one after each change: sessions of different identities are not the same */
  readonly version: string
}

interface Known extends TlsIdentity {
  /** the files as they were when they were last looked at */
  readonly stamp: string
}

/** How a file is called in the configuration, for messages. */
export const tlsFileKeys = {
  certFile: 'tls_cert_file',
  keyFile: 'tls_key_file',
  caFile: 'tls_ca_file',
} as const

export class TlsIdentities {
  private readonly env: Environment
  private readonly known = new Map<string, Known>()
  private made = 0

  constructor(env: Environment) {
    this.env = env
  }

  /** Throws an Error that names the key and the file, if they were never good. */
  of(files: TlsFiles): TlsIdentity {
    const name = JSON.stringify([files.certFile, files.keyFile, files.caFile])
    const stamp = this.stampOf(files)
    const known = this.known.get(name)
    if (known?.stamp === stamp) return known
    try {
      const context = readTlsContext(this.env.configDir, files)
      const identity = { context, version: `${name} ${(this.made += 1)}`, stamp }
      this.known.set(name, identity)
      return identity
    } catch (error) {
      if (!known) throw error
      this.env.log.error(`${errorText(error)}; the certificates that were read before stay in use`)
      this.known.set(name, { ...known, stamp })
      return known
    }
  }

  private stampOf(files: TlsFiles): string {
    return Object.values(pathsOf(this.env.configDir, files))
      .map((path) => {
        const stat = statSync(path, { throwIfNoEntry: false })
        return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : 'missing'
      })
      .join(', ')
  }
}

/** Reads the files and puts them together. Throws an Error that names the key and the file. */
export function readTlsContext(configDir: string, files: TlsFiles): SecureContext {
  const paths = pathsOf(configDir, files)
  const read = (file: keyof TlsFiles): string | undefined => {
    const path = paths[file]
    if (path === undefined) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      const reason = errorText(error)
      throw new Error(`${tlsFileKeys[file]}: expected a file in PEM, got ${reason}`, {
        cause: error,
      })
    }
  }
  const [cert, key, own] = [read('certFile'), read('keyFile'), read('caFile')]
  const ca = own ?? systemCertificates()
  const put = (file: keyof TlsFiles, expected: string, options: object): SecureContext => {
    try {
      return createSecureContext(options)
    } catch (error) {
      const got = `${paths[file] ?? ''}: ${errorText(error)}`
      throw new Error(`${tlsFileKeys[file]}: expected ${expected}, got ${got}`, { cause: error })
    }
  }
  if (own !== undefined && !own.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(
      `tls_ca_file: expected certificates in PEM, got ${paths.caFile ?? ''} without one`,
    )
  }
  if (own !== undefined) put('caFile', 'certificates of authorities in PEM', { ca })
  if (cert !== undefined) put('certFile', 'a certificate in PEM', { cert })
  return put('keyFile', 'the key of the certificate in PEM', {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  })
}

function pathsOf(
  configDir: string,
  { certFile, keyFile, caFile }: TlsFiles,
): Partial<Record<keyof TlsFiles, string>> {
  return {
    ...(certFile !== '' && { certFile: resolve(configDir, certFile) }),
    ...(keyFile !== '' && { keyFile: resolve(configDir, keyFile) }),
    ...(caFile !== '' && { caFile: resolve(configDir, caFile) }),
  }
}
