/** What is wrong with the secrets and certificates that directory.ini names. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { errorText } from '../basics/error-text.js'
import type { Environment } from '../config/environment.js'
import { readSecretFile } from '../config/secret-file.js'
import { ConfigError } from '../config/settings.js'
import { directoryFile, type DirectoryConfig } from './config.js'

/** Throws ConfigError with all of them. */
export function checkFiles(config: DirectoryConfig, env: Environment): void {
  const errors = directoryFileErrors(config, env)
  if (errors.length > 0) throw new ConfigError(errors)
}

/**
 * What is wrong with the secrets and certificates that a configuration names. They are read again
 * when they are used; a mistake shows here, before mail depends on it.
 */
export function directoryFileErrors({ directories }: DirectoryConfig, env: Environment): string[] {
  const errors: string[] = []
  for (const settings of directories) {
    if (settings.kind !== 'ldap') continue
    const { name, bindPasswordFile, tlsCaFile } = settings
    const check = (key: string, file: string, read: () => unknown): void => {
      try {
        if (file !== '') read()
      } catch (error) {
        const reason = errorText(error)
        errors.push(`${directoryFile} [${name}] ${key}: ${reason}`)
      }
    }
    const { configDir } = env
    check('bind_password_file', bindPasswordFile, () => readSecretFile(configDir, bindPasswordFile))
    check('tls_ca_file', tlsCaFile, () => readFileSync(resolve(configDir, tlsCaFile)))
  }
  return errors
}
