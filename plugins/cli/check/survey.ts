/**
 * A directory read whole: its entries by address, what is wrong with its rows, and which addresses
 * more than one object has.
 */
import { AdminLimitExceededError, SizeLimitExceededError } from 'ldapts'

import { DirectoryError, type Directory, type DirectoryEntry } from '../../directory/directory.js'
import { toEntry } from '../../directory/entry.js'
import { EntryTable } from '../../directory/entry-table.js'
import type { Row } from '../../directory/file-record.js'
import type { Schema } from '../../directory/schema.js'

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
  /** what could not be read, and what it puts in doubt */
  readonly faults: readonly string[]
  /** values that are read, but are several in one */
  readonly joined: readonly string[]
  /** the server gave everything; else what is not in it may be there all the same */
  readonly complete: boolean
}

/**
 * Takes all rows in. Rejects as the rows do, unless the server only said that it gives no more to this
 * account: then the survey is what it gave, and not complete.
 */
export async function survey(
  name: string,
  pages: AsyncIterable<readonly Row[]>,
  schema: Schema,
): Promise<Survey> {
  const seen = new Seen(schema)
  let complete = true
  for await (const rows of untilLimit(pages, () => (complete = false))) {
    for (const row of rows) seen.take(row)
  }
  const { table, addresses, redirects, redirected, shared, faults, joined } = seen
  await table.seal()
  return {
    name,
    objects: table.entries,
    redirects,
    addresses,
    redirected,
    shared,
    faults,
    joined,
    complete,
    find: (address) => {
      const entries = table.find(address.key)
      return entries.length > 0 || complete ? Promise.resolve(entries) : unread(name).find(address)
    },
    close: () => Promise.resolve(),
  }
}

/** What the rows so far have told. */
class Seen {
  readonly table = new EntryTable()
  readonly addresses = new Set<string>()
  readonly redirected = new Set<string>()
  readonly shared = new Set<string>()
  readonly faults: string[] = []
  readonly joined: string[] = []
  redirects = 0
  private readonly schema: Schema

  constructor(schema: Schema) {
    this.schema = schema
  }

  take(row: Row): void {
    const where = row.line === 0 ? '' : `line ${row.line}: `
    if (row.kind === 'unreadable') {
      this.faults.push(where + row.reason)
      return
    }
    const read = toEntry(row.dn || `line ${row.line}`, row.attributes, this.schema)
    const place = where || `${row.dn}: `
    this.faults.push(...read.faults.map(({ reason }) => `${place}${reason}`))
    this.joined.push(...read.joined.map((one) => `${place}${one}`))
    this.add(read.entry)
  }

  private add(entry: DirectoryEntry): void {
    this.table.add(entry)
    const leadsOn = entry.isContact || entry.targetAddress !== undefined
    if (leadsOn) this.redirects += 1
    for (const key of entry.addresses) {
      if (this.addresses.has(key)) this.shared.add(key)
      this.addresses.add(key)
      if (leadsOn) this.redirected.add(key)
    }
  }
}

async function* untilLimit(
  pages: AsyncIterable<readonly Row[]>,
  limited: () => void,
): AsyncGenerator<readonly Row[]> {
  try {
    yield* pages
  } catch (error) {
    if (!(error instanceof SizeLimitExceededError || error instanceof AdminLimitExceededError)) {
      throw error
    }
    limited()
  }
}

/** In the place of a directory that could not be read: nothing can be found out there. */
export function unread(name: string): Directory {
  return {
    name,
    find: () => Promise.reject(new DirectoryError(name, 'it could not be read whole')),
    close: () => Promise.resolve(),
  }
}
