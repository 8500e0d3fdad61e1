/**
 * What is wrong with the password files that connectors name. They are read again for every message;
 * a mistake shows here, at start and at reload, before mail depends on it.
 */
import { errorText } from '../basics/error-text.js'
import type { Environment } from '../config/environment.js'
import { readSecretFile } from '../config/secret-file.js'
import { connectorsFile, type ConnectorsConfig } from '../decision/connectors-config.js'

export function passwordErrors({ connectors }: ConnectorsConfig, env: Environment): string[] {
  return [...connectors.values()].flatMap(({ name, authPasswordFile }) => {
    if (authPasswordFile === '') return []
    try {
      readSecretFile(env.configDir, authPasswordFile)
      return []
    } catch (error) {
      const reason = errorText(error)
      return [`${connectorsFile} [${name}] auth_password_file: ${reason}`]
    }
  })
}
