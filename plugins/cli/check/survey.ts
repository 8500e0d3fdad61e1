/**
 * A directory read whole: its entries by address, what is wrong with its rows, and which addresses
 * more than one object has.
 */
import { DirectoryError, type Directory } from '../../directory/directory.js'
import { toEntry } from '../../directory/entry.js'
import { EntryTable } from '../../directory/entry-table.js'
import type { Row } from '../../directory/record.js'

export interface Survey extends Directory {
  /** objects with an address, contacts and such with a targetAddress among them */
  readonly objects: number
  readonly redirects: number
  /** keys of all addresses */
  readonly addresses: ReadonlySet<string>
  /** those of objects that lead to another address */
  readonly redirected: ReadonlySet<string>
  /** those that two objects have */
  readonly shared: ReadonlySet<string>
  readonly faults: readonly string[]
}

/** Takes all rows in. Rejects as the rows do. */
export async function survey(name: string, pages: AsyncIterable<readonly Row[]>): Promise<Survey> {
  const table = new EntryTable()
  const addresses = new Set<string>()
  const redirected = new Set<string>()
  const shared = new Set<string>()
  const faults: string[] = []
  let redirects = 0
  for await (const rows of pages) {
    for (const row of rows) {
      const where = row.line === 0 ? '' : `line ${row.line}: `
      if (row.kind === 'unreadable') {
        faults.push(where + row.reason)
        continue
      }
      const { entry, faults: wrong } = toEntry(row.dn || `line ${row.line}`, row.attributes)
      faults.push(...wrong.map((fault) => `${where || `${row.dn}: `}${fault}`))
      table.add(entry)
      const leadsOn = entry.isContact || entry.targetAddress !== undefined
      if (leadsOn) redirects += 1
      for (const key of entry.addresses) {
        if (addresses.has(key)) shared.add(key)
        addresses.add(key)
        if (leadsOn) redirected.add(key)
      }
    }
  }
  await table.seal()
  return {
    name,
    objects: table.entries,
    redirects,
    addresses,
    redirected,
    shared,
    faults,
    find: (address) => Promise.resolve(table.find(address.key)),
    close: () => Promise.resolve(),
  }
}

/** In the place of a directory that could not be read: nothing can be found out there. */
export function unread(name: string): Directory {
  return {
    name,
    find: () => Promise.reject(new DirectoryError(name, 'it could not be read')),
    close: () => Promise.resolve(),
  }
}
