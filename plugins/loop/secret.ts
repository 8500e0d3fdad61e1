/**
 * The loop secret: one file for every process and every gateway of an address space.
 *
 * It is made at the first start, for its owner alone; with Haraka's `user` set, for that user, since
 * the file is read again after the process has changed to it. Each line of the file is a secret: the
 * first signs, all are recognised, so a new one can be put in front while mail is under way.
 */
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  linkSync,
  lstatSync,
  rmSync,
  statSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs'
import { resolve } from 'node:path'

import { errorText } from '../basics/error-text.js'
import { heirOf } from '../basics/user-ids.js'
import type { Environment } from '../config/environment.js'
import { ConfigError } from '../config/settings.js'
import { readSecretFile } from '../config/secret-file.js'

const shortest = 32
const watchInterval = 5000

export interface SecretOptions {
  /** the user that Haraka changes to after it has started; empty: it stays who it is */
  readonly user: string
  /** whether a missing file is made: not where it has been there, and is being replaced */
  readonly make: boolean
}

/** The secrets of the file. Throws ConfigError. */
export function loadLoopSecrets(
  env: Environment,
  file: string,
  { user, make }: SecretOptions,
): string[] {
  try {
    if (make && makeSecretFile(resolve(env.configDir, file), user)) {
      env.log.notice(`made the loop secret ${file}; every gateway of the address space needs it`)
    }
    checkOwner(resolve(env.configDir, file), user)
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
    const reason = errorText(error)
    throw new ConfigError([`connectors.ini [main] loop_secret_file: ${reason}`])
  }
}

/** Root reads everything; the user that the process changes to must be able to read it again. */
function checkOwner(path: string, user: string): void {
  const heir = heirOf(user)
  if (!heir) return
  const owner = statSync(path).uid
  if (owner !== heir.uid) {
    throw new Error(`${path}: expected a file of ${user} (smtp.ini user), got one of uid ${owner}`)
  }
}

/** Calls back after the file has changed, within some seconds; what it gives back ends that. */
export function watchLoopSecret(env: Environment, file: string, changed: () => void): () => void {
  const path = resolve(env.configDir, file)
  // looks at the name every time: an editor or a copy puts another file in its place
  watchFile(path, { interval: watchInterval, persistent: false }, changed)
  return () => unwatchFile(path, changed)
}

/** Whole or not at all: several processes may start at once, and the first one's secret stays. */
function makeSecretFile(path: string, user: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false })) return false
  const draft = `${path}.${process.pid}`
  rmSync(draft, { force: true })
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    const heir = heirOf(user)
    if (heir) chownSync(draft, heir.uid, heir.gid)
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft)
  }
}
