/**
 * What a replica answers from: the entries of the last whole snapshot, and over them what has changed
 * since. A changed object hides the one in the snapshot by its id, which stays the same when an
 * object is renamed or moved.
 *
 * The snapshot is packed (entry-table.ts); changes are few until the next snapshot, and are objects.
 */
import type { DirectoryEntry } from '../directory.js'
import { EntryTable } from '../entry-table.js'

/** An object of the directory with what tells it from all others forever. */
export interface ReplicaEntry {
  readonly id: string
  readonly entry: DirectoryEntry
  /** addresses that a value of it may stand for, which could not be read */
  readonly doubt?: { readonly reason: string; readonly addresses: readonly string[] }
}

export interface Found {
  readonly entries: readonly DirectoryEntry[]
  /** why nobody can tell whether there is one; absent: there are entries, or none */
  readonly doubt?: string
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
  private readonly over = new Map<string, ReplicaEntry | undefined>()
  /** ids by address of what was set */
  private readonly byAddress = new Map<string, Set<string>>()

  private constructor(base: EntryTable) {
    this.base = base
  }

  /** Takes all entries in. */
  static async of(entries: AsyncIterable<readonly ReplicaEntry[]>): Promise<ReplicaTable> {
    const base = new EntryTable()
    for await (const some of entries) {
      for (const { id, entry, doubt } of some) {
        base.add({ ...entry, dn: `${id}\n${entry.dn}` })
        if (!doubt) continue
        const { reason, addresses } = doubt
        base.add({ dn: `${id}\n\n${reason}`, addresses, isContact: false })
      }
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

  find(key: string): Found {
    const entries: DirectoryEntry[] = []
    let doubt: string | undefined
    for (const packed of this.base.find(key)) {
      const end = packed.dn.indexOf('\n')
      if (this.over.size > 0 && this.over.has(packed.dn.slice(0, end))) continue
      const dn = packed.dn.slice(end + 1)
      if (dn.startsWith('\n')) doubt = dn.slice(1)
      else entries.push({ ...packed, dn })
    }
    for (const id of this.byAddress.get(key) ?? []) {
      const over = this.over.get(id)
      if (over?.entry.addresses.includes(key)) entries.push(over.entry)
      else if (over?.doubt) doubt = over.doubt.reason
    }
    return entries.length > 0 || doubt === undefined ? { entries } : { entries, doubt }
  }

  apply({ set, gone }: Changes): void {
    for (const id of gone) this.put(id, undefined)
    for (const changed of set) this.put(changed.id, changed)
  }

  /** How many addresses of the snapshot the other one lacks. */
  missingIn(other: ReplicaTable): Promise<number> {
    return this.base.missingIn(other.base)
  }

  private put(id: string, changed: ReplicaEntry | undefined): void {
    for (const key of keysOf(this.over.get(id))) {
      const ids = this.byAddress.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.byAddress.delete(key)
    }
    this.over.set(id, changed)
    for (const key of keysOf(changed)) {
      const ids = this.byAddress.get(key)
      if (ids) ids.add(id)
      else this.byAddress.set(key, new Set([id]))
    }
  }
}

function keysOf(changed: ReplicaEntry | undefined): readonly string[] {
  return changed ? [...changed.entry.addresses, ...(changed.doubt?.addresses ?? [])] : []
}
