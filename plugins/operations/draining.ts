/**
 * Whether this gateway is drained: it tells balancers to send no new mail here, goes on taking what
 * comes all the same, and delivers what waits. A file says so, so that it holds over a restart: an
 * upgrade in the middle of the maintenance does not end it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { makeOwnedFolder } from './owned-folder.js'

export interface Draining {
  /** milliseconds since 1970 */
  readonly since: number
}

const fileName = 'draining'

/** `undefined`: it is not drained. `control`: the control folder of the install. */
export function readDraining(control: string): Draining | undefined {
  let text
  try {
    text = readFileSync(join(control, fileName), 'utf8')
  } catch {
    return undefined
  }
  const since = Date.parse(text.trim())
  return { since: Number.isNaN(since) ? Date.now() : since }
}

/** `user`: whom Haraka changes to. Throws what the file system says. */
export function drain(control: string, user: string): Draining {
  const already = readDraining(control)
  if (already) return already
  makeOwnedFolder(control, user, 0o700)
  const since = Date.now()
  writeFileSync(join(control, fileName), `${new Date(since).toISOString()}\n`, { mode: 0o644 })
  return { since }
}

/** False: it was not drained. */
export function undrain(control: string): boolean {
  const was = readDraining(control) !== undefined
  rmSync(join(control, fileName), { force: true })
  return was
}
