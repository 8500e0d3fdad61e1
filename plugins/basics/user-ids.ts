/** The user that Haraka changes to after it has started (smtp.ini `user`), as the system knows him. */
import { execFileSync } from 'node:child_process'

export interface UserIds {
  readonly uid: number
  readonly gid: number
}

/** By name or number. Throws if there is no such user, or no users as here. */
export function idsOf(user: string): UserIds {
  const told = execFileSync('id', ['--', user], { encoding: 'utf8', stdio: 'pipe' })
  const [, uid, gid] = /^uid=(\d+).*? gid=(\d+)/u.exec(told) ?? []
  if (uid === undefined) throw new Error(`id ${user}: expected uid= and gid=, got \`${told}\``)
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * Whose everything that root makes has to be, so that it can be used later; `undefined`: this process is
 * not root, or stays it (`user` is empty). Throws as idsOf does.
 */
export function heirOf(user: string): UserIds | undefined {
  return user === '' || process.getuid?.() !== 0 ? undefined : idsOf(user)
}
