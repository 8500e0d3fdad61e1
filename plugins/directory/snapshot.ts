/**
 * One version of a directory that was read as a whole: its entries, and what cannot be told of it.
 *
 *   an object has the address     its entries; one object that stands twice in a file is the last of them
 *   the address is in doubt        nobody can tell: not "unknown" (doubts.ts)
 *   neither                        not there: a statement
 *
 * Whether a version may take the place of the one before says `whyKeptOut`.
 */
import type { DirectoryEntry } from './directory.js'
import { dnKey } from './distinguished-name.js'
import { Doubts } from './doubts.js'
import { toEntry } from './entry.js'
import { EntryTable } from './entry-table.js'
import type { Row } from './file-record.js'
import type { Schema } from './schema.js'

export class Snapshot {
  readonly table: EntryTable
  readonly doubts: Doubts
  /** why it may have been cut off; empty: it ended as it should */
  readonly cutOff: string

  constructor(table: EntryTable, doubts: Doubts, cutOff = '') {
    this.table = table
    this.doubts = doubts
    this.cutOff = cutOff
  }

  /** The objects that have the address; more than one where they share it. */
  find(key: string): readonly DirectoryEntry[] {
    const entries = this.table.find(key)
    if (entries.length < 2) return entries
    const byName = new Map(entries.map((entry) => [dnKey(entry.dn), entry]))
    return byName.size === entries.length ? entries : [...byName.values()]
  }

  /** Why an address that no object has cannot be called unknown; `undefined`: it is. */
  whyInDoubt(key: string): string | undefined {
    return this.doubts.of(key)
  }
}

/** What `add` found wrong, or worth a word, in a row. */
export interface RowNotes {
  readonly faults: readonly string[]
  readonly joined: readonly string[]
}

const nothing: RowNotes = { faults: [], joined: [] }

/** Puts a version together, row by row. */
export class SnapshotBuilder {
  readonly table = new EntryTable()
  private readonly doubts = new Doubts()
  private readonly schema: Schema
  private readonly ignoresUnreadable: boolean

  constructor(schema: Schema, ignoresUnreadable = false) {
    this.schema = schema
    this.ignoresUnreadable = ignoresUnreadable
  }

  add(row: Row): RowNotes {
    if (row.kind === 'unreadable') {
      if (!this.ignoresUnreadable) this.doubts.add(row)
      return { faults: [row.reason], joined: [] }
    }
    const { line, attributes } = row
    const { entry, faults, joined } = toEntry(row.dn || `line ${line}`, attributes, this.schema)
    const ofTarget = faults.some((fault) => fault.ofTarget)
    // where its mail goes cannot be told, so it is not taken for a mailbox or for an unusable contact
    if (!ofTarget || this.ignoresUnreadable) this.table.add(entry)
    if (faults.length === 0 && joined.length === 0) return nothing
    if (!this.ignoresUnreadable) {
      for (const { reason, value } of faults) {
        const own = ofTarget ? entry.addresses : []
        this.doubts.add({ line, reason, text: value, incomplete: false }, own)
      }
    }
    return { faults: faults.map(({ reason }) => reason), joined }
  }

  /** `cutOff`: why it may have been; empty: it ended as it should */
  async finish(cutOff = ''): Promise<Snapshot> {
    await this.table.seal()
    return new Snapshot(this.table, this.doubts, cutOff)
  }
}

/**
 * Why a new version does not take the place of the former one: it has no address at all, lacks more than
 * half of the former ones (unless `allowShrink`), cannot be trusted as a whole, or does not end as the
 * former one did. `undefined`: it does. Without a former version only the first counts: what it knows is
 * better than nothing.
 */
export async function whyKeptOut(
  former: Snapshot | undefined,
  next: Snapshot,
  allowShrink: boolean,
): Promise<string | undefined> {
  if (next.table.addresses === 0) return 'expected at least one address, got none'
  if (!former) return undefined
  if (next.doubts.whole !== '') return next.doubts.whole
  // who writes a file by hand may never end its last line; a program does always or never
  if (next.cutOff !== '' && former.cutOff === '') return next.cutOff
  if (allowShrink) return undefined
  const lost = await former.table.missingIn(next.table)
  if (lost * 2 <= former.table.addresses) return undefined
  return `${lost} of ${former.table.addresses} addresses are not in the new version; expected at least half of them (allow_shrink = true takes it)`
}
