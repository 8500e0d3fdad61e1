/**
 * Folders for what the gateway keeps: made by the first process, which may be root still, for the
 * user that Haraka changes to. Nobody else may look into them.
 */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'

import { heirOf } from '../basics/user-ids.js'

/** Makes the folder if it is missing. Throws what the file system says. */
export function makeOwnedFolder(path: string, user: string, mode: number): void {
  const made = mkdirSync(path, { recursive: true, mode }) !== undefined
  if (made) chmodSync(path, mode)
  const heir = heirOf(user)
  if (heir && statSync(path).uid !== heir.uid) chownSync(path, heir.uid, heir.gid)
}
