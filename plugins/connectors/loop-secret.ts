/**
 * The loop secret: one file for every process and every gateway of an address space.
 *
 * It is made at the first start, for its owner alone; with Haraka's `user` set, for that user, since
 * the file is read again after the process has changed to it. Each line of the file is a secret: the
 * first signs, all are recognised, so a new one can be put in front while mail is under way.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { linkSync, lstatSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { Environment } from '../config/environment.js'
import { ConfigError } from '../config/settings.js'
import { readSecretFile } from '../config/secret-file.js'

const shortest = 32

/**
 * The secrets of the file, which is made if it is missing. Throws ConfigError.
 * `user`: the user that Haraka changes to after it has started; empty: it stays who it is.
 */
export function loadLoopSecrets(env: Environment, file: string, user: string): string[] {
  try {
    if (makeSecretFile(resolve(env.configDir, file), user)) {
      env.log.notice(`made the loop secret ${file}; every gateway of the address space needs it`)
    }
    const secrets = readSecretFile(env.configDir, file)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const short = secrets.find((secret) => secret.length < shortest)
    if (short !== undefined) {
      throw new Error(`expected at least ${shortest} characters a line, got ${short.length}`)
    }
    return secrets
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([`connectors.ini [main] loop_secret_file: ${reason}`])
  }
}

/** Whole or not at all: several processes may start at once, and the first one's secret stays. */
function makeSecretFile(path: string, user: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })) return false
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    if (user !== '' && process.getuid?.() === 0) execFileSync('chown', ['--', user, draft])
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft)
  }
}
