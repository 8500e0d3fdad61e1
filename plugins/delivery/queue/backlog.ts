/**
 * The entries that wait for a host, in the order that they came: pure bookkeeping, no entry more than
 * its name. Those that go to the same hosts are a group; a host that serves several takes from them in
 * turn, so that no place's backlog delays another's.
 */
import { hostOfWay } from '../hosts/lease.js'

export interface Waiting {
  /** the queue file */
  readonly name: string
  /** for the count */
  readonly place: string
  /** equal for what goes to the same hosts */
  readonly group: string
  /** ways to hosts (hosts/lease.ts); any of them will do */
  readonly hosts: readonly string[]
}

interface Group {
  readonly place: string
  hosts: readonly string[]
  readonly names: Set<string>
}

export class Backlog {
  private readonly groups = new Map<string, Group>()
  private readonly groupOf = new Map<string, string>()

  get size(): number {
    return this.groupOf.size
  }

  /** Where the group's mail goes is as it was found out last. */
  add({ name, place, group: key, hosts }: Waiting): void {
    this.remove(name)
    const group = this.groups.get(key) ?? { place, hosts, names: new Set() }
    group.hosts = hosts
    group.names.add(name)
    this.groups.set(key, group)
    this.groupOf.set(name, key)
  }

  remove(name: string): boolean {
    const key = this.groupOf.get(name)
    if (key === undefined) return false
    this.groupOf.delete(name)
    const group = this.groups.get(key)
    group?.names.delete(name)
    if (group?.names.size === 0) this.groups.delete(key)
    return true
  }

  has(name: string): boolean {
    return this.groupOf.has(name)
  }

  /** Takes out who has waited longest for that host by a way that is open, each group in turn. */
  next(host: string, isOpen: (way: string) => boolean = () => true): string | undefined {
    for (const [key, group] of this.groups) {
      if (!group.hosts.some((way) => hostOfWay(way) === host && isOpen(way))) continue
      const [name] = group.names
      if (name === undefined) continue
      // the others come before it the next time
      this.groups.delete(key)
      this.groups.set(key, group)
      this.remove(name)
      return name
    }
    return undefined
  }

  /** The hosts that something waits for. */
  hosts(): Set<string> {
    return new Set([...this.groups.values()].flatMap(({ hosts }) => hosts.map(hostOfWay)))
  }

  names(): string[] {
    return [...this.groupOf.keys()]
  }

  /** How many wait, by place. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { place, names } of this.groups.values()) {
      counts.set(place, (counts.get(place) ?? 0) + names.size)
    }
    return counts
  }

  isOf(name: string, place: string): boolean {
    const key = this.groupOf.get(name)
    return key !== undefined && this.groups.get(key)?.place === place
  }
}
