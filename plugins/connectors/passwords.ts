/**
 * What is wrong with the password files that connectors name. They are read again for every message;
 * a mistake shows here, at start and at reload, before mail depends on it.
 */
import type { Environment } from '../config/environment.js'
import { readSecretFile } from '../config/secret-file.js'
import { connectorsFile, type ConnectorsConfig } from './config.js'

export function passwordErrors({ connectors }: ConnectorsConfig, env: Environment): string[] {
  return [...connectors.values()].flatMap(({ name, authPasswordFile }) => {
    if (authPasswordFile === '') return []
    try {
      readSecretFile(env.configDir, authPasswordFile)
      return []
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return [`${connectorsFile} [${name}] auth_password_file: ${reason}`]
    }
  })
}
