/**
 * What is wrong with the certificates that connectors name: a file that is missing, one without a
 * certificate, a key that does not fit. Found at start and at reload, before mail depends on it.
 */
import { errorText } from '../basics/error-text.js'
import type { Environment } from '../config/environment.js'
import { connectorsFile, type ConnectorsConfig } from '../decision/connectors-config.js'
import { readTlsContext } from '../delivery/smtp/tls-identity.js'

export function identityErrors({ connectors }: ConnectorsConfig, env: Environment): string[] {
  return [...connectors.values()].flatMap(({ name, identity }) => {
    if (identity.certFile === '' && identity.caFile === '') return []
    try {
      readTlsContext(env.configDir, identity)
      return []
    } catch (error) {
      return [`${connectorsFile} [${name}] ${errorText(error)}`]
    }
  })
}
