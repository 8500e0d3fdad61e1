/**
 * What a replica answers from: the entries of the last whole snapshot, and over them what has changed
 * since. A changed object hides the one in the snapshot by its id, which stays the same when an
 * object is renamed or moved.
 *
 * The snapshot is packed (entry-table.ts); changes are few until the next snapshot, and are objects.
 */
import type { DirectoryEntry } from '../directory.js'
import { EntryTable } from '../entry-table.js'

/** An object of the directory with what tells it from all others for ever. */
export interface ReplicaEntry {
  readonly id: string
  readonly entry: DirectoryEntry
}

/** What a server told of changes; an object without addresses is gone, too. */
export interface Changes {
  readonly set: readonly ReplicaEntry[]
  /** ids */
  readonly gone: readonly string[]
}

export class ReplicaTable {
  private readonly base: EntryTable
  /** what hides an object of the snapshot; undefined: it is gone */
  private readonly over = new Map<string, DirectoryEntry | undefined>()
  /** ids by address of what was set */
  private readonly byAddress = new Map<string, Set<string>>()

  private constructor(base: EntryTable) {
    this.base = base
  }

  /** Takes all entries in. */
  static async of(entries: AsyncIterable<readonly ReplicaEntry[]>): Promise<ReplicaTable> {
    const base = new EntryTable()
    for await (const some of entries) {
      for (const { id, entry } of some) base.add({ ...entry, dn: `${id}\n${entry.dn}` })
    }
    await base.seal()
    return new ReplicaTable(base)
  }

  /** entries of the snapshot, without changes */
  get entries(): number {
    return this.base.entries
  }

  /** addresses of the snapshot, without changes */
  get addresses(): number {
    return this.base.addresses
  }

  /** objects that have changed since */
  get changed(): number {
    return this.over.size
  }

  find(key: string): DirectoryEntry[] {
    const found: DirectoryEntry[] = []
    for (const packed of this.base.find(key)) {
      const end = packed.dn.indexOf('\n')
      if (this.over.size > 0 && this.over.has(packed.dn.slice(0, end))) continue
      found.push({ ...packed, dn: packed.dn.slice(end + 1) })
    }
    for (const id of this.byAddress.get(key) ?? []) {
      const entry = this.over.get(id)
      if (entry) found.push(entry)
    }
    return found
  }

  apply({ set, gone }: Changes): void {
    for (const id of gone) this.put(id, undefined)
    for (const { id, entry } of set) this.put(id, entry)
  }

  /** How many addresses of the snapshot the other one lacks. */
  missingIn(other: ReplicaTable): Promise<number> {
    return this.base.missingIn(other.base)
  }

  private put(id: string, entry: DirectoryEntry | undefined): void {
    for (const key of this.over.get(id)?.addresses ?? []) {
      const ids = this.byAddress.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.byAddress.delete(key)
    }
    this.over.set(id, entry)
    for (const key of entry?.addresses ?? []) {
      const ids = this.byAddress.get(key)
      if (ids) ids.add(id)
      else this.byAddress.set(key, new Set([id]))
    }
  }
}
