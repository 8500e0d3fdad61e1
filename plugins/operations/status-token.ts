/** The token of the status page, out of its file: one long word, for Haraka's user alone. */
import { readSecretFile } from '../config/secret-file.js'

const shortest = 16

/** Throws an Error that says what is wrong with the file, never its content. */
export function readStatusToken(configDir: string, file: string): string {
  const secret = readSecretFile(configDir, file).trim()
  if (secret.length < shortest) {
    throw new Error(
      `${file}: expected a token of at least ${shortest} characters, got ${secret.length}; make one with: openssl rand -hex 32`,
    )
  }
  if (/\s/u.test(secret)) throw new Error(`${file}: expected one line without blanks`)
  return secret
}
