/**
 * A million entries, found by address in microseconds and held in little memory: an entry is a
 * record of UTF-8 JSON in large buffers outside the JavaScript heap, and an open hash table over the
 * addresses' keys points to it. Nothing is an object until it is found.
 *
 * Filled with `add`, then ready after `seal`, which gives way to the event loop while it works.
 */
import { setImmediate } from 'node:timers/promises'

import type { DirectoryEntry } from './directory.js'

// a position is in units of 8 octets, so that 32 bits reach 32 GiB
const unit = 8
const chunkSize = 4 * 1024 * 1024
const sliceSize = 10_000
// names above the objects: few, unless a file is strange
const mostContainers = 10_000

/** What is mostly the same is a number: see `pack`. */
type Packed = readonly [
  name: string,
  container: number,
  /** with a host of its own: whether the target's mail goes there, and its name */
  isContact: 0 | 1 | readonly [0 | 1, 0 | 1, string],
  primary: string | 0,
  targetAddress: string | 0 | 1,
  ...addresses: (string | 1)[],
]

export interface TableShape {
  readonly entries: number
  readonly addresses: number
  readonly containers: readonly string[]
  /** octets used of the last chunk */
  readonly free: number
  readonly chunks: number
  readonly slots: number
}

export class EntryTable {
  /** entries with at least one address */
  entries = 0
  /** addresses of all entries */
  addresses = 0

  private containers: string[] = ['']
  private readonly containerNumbers = new Map<string, number>()
  private readonly chunks: Buffer[] = []
  private free = chunkSize
  /** hash and position of each address, before `seal` */
  private added: Uint32Array[] = []
  /** slot → hash; slot → position + 1, 0 where the slot is empty. Length: a power of two. */
  private hashes = new Uint32Array(1)
  private positions = new Uint32Array(1)

  /** Puts an entry in; one without addresses cannot be found and is left out. */
  add(entry: DirectoryEntry): void {
    if (entry.addresses.length === 0) return
    const position = this.store(JSON.stringify(this.pack(entry)))
    for (const address of entry.addresses) {
      const at = (this.addresses % sliceSize) * 2
      if (at === 0) this.added.push(new Uint32Array(sliceSize * 2))
      this.added.at(-1)?.set([hashOf(address), position + 1], at)
      this.addresses += 1
    }
    this.entries += 1
  }

  /** Makes what was added findable; nothing can be added afterwards. */
  async seal(): Promise<void> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(this.addresses, 1) * 1.4))
    this.hashes = new Uint32Array(size)
    this.positions = new Uint32Array(size)
    for (const [index, slice] of this.added.entries()) {
      const count = Math.min(sliceSize, this.addresses - index * sliceSize)
      for (let at = 0; at < count; at += 1) this.put(slice[at * 2] ?? 0, slice[at * 2 + 1] ?? 0)
      await setImmediate()
    }
    this.added = []
  }

  /** How it lies in memory, for a file; together with `octets` it is the whole table. */
  shape(): TableShape {
    const { entries, addresses, containers, free } = this
    return {
      entries,
      addresses,
      containers,
      free,
      chunks: this.chunks.length,
      slots: this.hashes.length,
    }
  }

  /** Its memory, piece by piece: of a sealed table to be written, of one `from` a shape to be filled. */
  octets(): Uint8Array[] {
    const bytes = ({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array =>
      new Uint8Array(buffer, byteOffset, byteLength)
    const last = this.chunks.length - 1
    return [
      bytes(this.hashes),
      bytes(this.positions),
      ...this.chunks.map((chunk, index) => (index === last ? chunk.subarray(0, this.free) : chunk)),
    ]
  }

  /** A table of that shape, whose `octets` are still to be filled. */
  static from({ entries, addresses, containers, free, chunks, slots }: TableShape): EntryTable {
    const table = new EntryTable()
    table.entries = entries
    table.addresses = addresses
    table.containers = [...containers]
    table.free = free
    table.hashes = new Uint32Array(slots)
    table.positions = new Uint32Array(slots)
    for (let index = 0; index < chunks; index += 1) {
      table.chunks.push(Buffer.allocUnsafeSlow(chunkSize))
    }
    return table
  }

  /** The entries that own the address; more than one where objects share it. */
  find(key: string): DirectoryEntry[] {
    const found: DirectoryEntry[] = []
    const hash = hashOf(key)
    const mask = this.hashes.length - 1
    for (let slot = hash & mask; this.positions[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.hashes[slot] !== hash) continue
      const entry = this.unpack(this.load((this.positions[slot] ?? 0) - 1))
      if (entry.addresses.includes(key)) found.push(entry)
    }
    return found
  }

  /** How many addresses of this table the other one lacks. */
  async missingIn(other: EntryTable): Promise<number> {
    let missing = 0
    for (let slot = 0; slot < this.hashes.length; slot += 1) {
      if (this.positions[slot] !== 0 && !other.hasHash(this.hashes[slot] ?? 0)) missing += 1
      if (slot % sliceSize === 0) await setImmediate()
    }
    return missing
  }

  private hasHash(hash: number): boolean {
    const mask = this.hashes.length - 1
    for (let slot = hash & mask; this.positions[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.hashes[slot] === hash) return true
    }
    return false
  }

  private put(hash: number, position: number): void {
    const mask = this.hashes.length - 1
    let slot = hash & mask
    while (this.positions[slot] !== 0) slot = (slot + 1) & mask
    this.hashes[slot] = hash
    this.positions[slot] = position
  }

  private store(text: string): number {
    const length = Buffer.byteLength(text)
    const needed = Math.ceil((length + 4) / unit) * unit
    if (needed > chunkSize) throw new RangeError(`an entry of ${length} octets`)
    if (this.free + needed > chunkSize) {
      this.chunks.push(Buffer.allocUnsafeSlow(chunkSize))
      this.free = 0
    }
    const chunk = this.chunks.at(-1)
    chunk?.writeUInt32LE(length, this.free)
    chunk?.write(text, this.free + 4)
    const position = ((this.chunks.length - 1) * chunkSize + this.free) / unit
    this.free += needed
    return position
  }

  private load(position: number): Packed {
    const octet = position * unit
    const chunk = this.chunks[Math.floor(octet / chunkSize)]
    const start = octet % chunkSize
    if (!chunk) throw new RangeError(`no entry at ${position}`)
    return JSON.parse(chunk.toString('utf8', start + 4, start + 4 + chunk.readUInt32LE(start)))
  }

  /**
   * The container's name is a number; a target that is the primary address is 1, and so is the
   * address that is the primary in lower case. 0 stands for nothing.
   */
  private pack(entry: DirectoryEntry): Packed {
    const { dn, primary, targetAddress, addresses, host } = entry
    const isContact = entry.isContact ? 1 : 0
    const comma = /(?<!\\),/u.exec(dn)?.index ?? dn.length
    const container = this.containerNumber(dn.slice(comma))
    const target = targetAddress !== undefined && targetAddress === primary ? 1 : targetAddress
    const lower = primary?.toLowerCase()
    return [
      container === 0 ? dn : dn.slice(0, comma),
      container,
      host === undefined ? isContact : [isContact, entry.targetByHost === true ? 1 : 0, host],
      primary ?? 0,
      target ?? 0,
      ...addresses.map((address) => (address === lower ? 1 : address)),
    ]
  }

  private unpack([
    name,
    container,
    isContact,
    primary,
    target,
    ...addresses
  ]: Packed): DirectoryEntry {
    const targetAddress = target === 1 ? primary : target
    const lower = primary === 0 ? '' : primary.toLowerCase()
    const [contact, byHost, host] = typeof isContact === 'number' ? [isContact] : isContact
    return {
      dn: name + (this.containers[container] ?? ''),
      addresses: addresses.map((address) => (address === 1 ? lower : address)),
      ...(primary !== 0 && { primary }),
      ...(targetAddress !== 0 && { targetAddress }),
      ...(host !== undefined && { host }),
      ...(byHost === 1 && { targetByHost: true as const }),
      isContact: contact === 1,
    }
  }

  /** 0 for one that is not kept. */
  private containerNumber(container: string): number {
    const known = this.containerNumbers.get(container)
    if (known !== undefined) return known
    const number = this.containers.length
    if (number > mostContainers) return 0
    this.containers.push(container)
    this.containerNumbers.set(container, number)
    return number
  }
}

/** FNV-1a over the UTF-16 code units, with its bits mixed for the low ones to be used. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}
