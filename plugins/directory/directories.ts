/**
 * Several directories as one: asked in the order written, the first that knows the address wins.
 *
 * A directory that cannot answer ends the search with `failed`, unless one before it knew: the
 * address might be its own, and "could not find out" is never "not there".
 */
import type { MailAddress } from '../mail/mail-address.js'
import { DirectoryError, type Directory, type Lookup } from './directory.js'

export async function findInDirectories(
  directories: readonly Directory[],
  address: MailAddress,
): Promise<Lookup> {
  for (const directory of directories) {
    let entries
    try {
      entries = await directory.find(address)
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error
      return { kind: 'failed', directory: directory.name, reason: error.message }
    }
    const [entry, second] = entries
    if (second !== undefined) {
      return { kind: 'ambiguous', directory: directory.name, dns: entries.map(({ dn }) => dn) }
    }
    if (entry !== undefined) return { kind: 'found', directory: directory.name, entry }
  }
  return { kind: 'none' }
}
