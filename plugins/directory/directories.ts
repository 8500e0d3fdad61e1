/**
 * Several directories as one: asked in the order written, the first that knows the address wins.
 *
 * A contact that leads to one of its own addresses does not end the search: it only says that the person
 * lives elsewhere under that address. Synchronisation between forests writes such contacts, with the
 * target among their addresses. An object of another directory that has the address wins over it, a
 * mailbox before a contact that leads on; when nobody else has it, the contact counts.
 *
 * A directory that cannot answer ends the search with `failed`, unless one before it knew: the address
 * might be its own, and "could not find out" is never "not there".
 */
import { parseMailAddress, type MailAddress } from '../mail/mail-address.js'
import { DirectoryError, type Directory, type DirectoryEntry, type Lookup } from './directory.js'

/** `elsewhere`: the directory of that name is not asked. */
export async function findInDirectories(
  directories: readonly Directory[],
  address: MailAddress,
  elsewhere?: string,
): Promise<Lookup> {
  let own: Lookup | undefined
  let leadsOn: Lookup | undefined
  for (const directory of directories) {
    if (directory.name === elsewhere) continue
    let lookup: Lookup
    try {
      lookup = lookupOf(directory.name, await directory.find(address))
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error
      return { kind: 'failed', directory: directory.name, reason: error.message }
    }
    if (lookup.kind === 'none') continue
    if (lookup.kind !== 'found') return lookup
    const { entry } = lookup
    if (leadsToItself(entry)) own ??= lookup
    else if (!own || isMailbox(entry)) return lookup
    else leadsOn ??= lookup
  }
  return leadsOn ?? own ?? { kind: 'none' }
}

function lookupOf(directory: string, entries: readonly DirectoryEntry[]): Lookup {
  const [entry, second] = entries
  if (entry === undefined) return { kind: 'none' }
  return second === undefined
    ? { kind: 'found', directory, entry }
    : { kind: 'ambiguous', directory, dns: entries.map(({ dn }) => dn) }
}

/** Its target is one of its own addresses, and not a way within its own system. */
function leadsToItself({ addresses, targetAddress, targetByHost }: DirectoryEntry): boolean {
  if (targetAddress === undefined || targetByHost === true) return false
  const target = parseMailAddress(targetAddress)
  return target !== undefined && addresses.includes(target.key)
}

function isMailbox({ isContact, targetAddress }: DirectoryEntry): boolean {
  return !isContact && targetAddress === undefined
}
