/**
 * Secrets that the configuration names by file: bind and AUTH passwords, the loop secret.
 *
 * The name is relative to the configuration's folder. Only the file's owner may have access: a file
 * that its group or the world can open is refused, so that the mistake is found before somebody
 * else finds it. A process that starts as root may read the file of the user that it changes to.
 * The newline at the end that editors write is not part of the secret.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { errorText } from '../basics/error-text.js'

/** Reads the secret. Throws an Error that names the file and what is wrong, never its content. */
export function readSecretFile(configDir: string, name: string): string {
  const path = resolve(configDir, name)
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw new Error(`${path}: expected a secret in this file, got ${errorText(error)}`, {
      cause: error,
    })
  }
  try {
    // the open file is asked, not its name: what is checked is what is read
    const { mode } = fstatSync(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8)
      throw new Error(`${path}: expected a file for its owner alone (mode 600), got mode ${octal}`)
    }
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/u, '')
    if (secret === '') throw new Error(`${path}: expected a secret in this file, got nothing`)
    return secret
  } finally {
    closeSync(file)
  }
}
