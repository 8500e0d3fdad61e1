/**
 * The folder where directories keep what has to survive a restart: snapshots, and binds that were
 * refused. It stands beside `config/`, is called `directories`, and belongs to Haraka's user alone,
 * for the addresses of everybody are in it.
 */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { errorText } from '../basics/error-text.js'
import { heirOf } from '../basics/user-ids.js'
import type { Environment } from './environment.js'

/** Its path, whether it is there or not. */
export function stateFolderOf(configDir: string): string {
  return join(dirname(configDir), 'directories')
}

/** Makes it; without it directories work as well, until a restart, and the log says so. */
export function openStateFolder({ configDir, log }: Environment, user: string): string | undefined {
  try {
    return makeStateFolder(configDir, user)
  } catch (error) {
    log.error(`directories: ${errorText(error)}; what is known of them does not survive a restart`)
    return undefined
  }
}

/**
 * Makes it where it is missing; `user` is whom Haraka changes to after it has started (empty: it
 * stays who it is). Throws with the reason.
 */
function makeStateFolder(configDir: string, user: string): string {
  const path = stateFolderOf(configDir)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const { uid, mode } = statSync(path)
  const heir = heirOf(user)
  if (heir && uid !== heir.uid) chownSync(path, heir.uid, heir.gid)
  if ((mode & 0o077) !== 0) chmodSync(path, 0o700)
  return path
}
