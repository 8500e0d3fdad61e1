/**
 * Folders for what the gateway keeps: made by the first process, which may be root still, for the
 * user that Haraka changes to. Nobody else may look into them.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'

/** Makes the folder if it is missing. Throws what the file system says. */
export function makeOwnedFolder(path: string, user: string, mode: number): void {
  const made = mkdirSync(path, { recursive: true, mode }) !== undefined
  if (made) chmodSync(path, mode)
  if (user === '' || process.getuid?.() !== 0) return
  const uid = idOf(user, '-u')
  if (statSync(path).uid !== uid) chownSync(path, uid, idOf(user, '-g'))
}

function idOf(user: string, option: '-u' | '-g'): number {
  return Number(execFileSync('id', [option, '--', user], { encoding: 'utf8' }))
}
