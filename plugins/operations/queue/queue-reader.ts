/**
 * Haraka's queue as a list: each entry with its place, sender, recipients, age and next try, read from
 * the folder, whether a gateway runs or not. Only heads are read, each once: a file's head does not
 * change while its name, size and time stay.
 *
 * A file that goes away while it is read was delivered, or renamed for its next try; then the folder
 * is looked at again, so that no entry is missed and none stands twice.
 */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { errorText } from '../../basics/error-text.js'
import {
  parseQueueFileName,
  readHeadNow,
  readHeadOf,
  type QueueFileName,
  type QueueHead,
} from '../../delivery/queue/queue-heads.js'
import { placeKey, type Place } from '../../mail/place.js'

export interface QueueRecipient {
  readonly recipient: string
  /** as the client wrote it */
  readonly original: string
}

export interface QueueEntry extends QueueFileName {
  /** `U.1.2`; empty where the head cannot be read */
  readonly uuid: string
  /** `connector:unix` …; a report of the gateway's own that is not routed yet: `report` */
  readonly place: string
  readonly sender: string
  readonly recipients: readonly QueueRecipient[]
  /** milliseconds since 1970 at which it was taken */
  readonly since: number
  /** octets of the file */
  readonly size: number
  /** why the head cannot be read */
  readonly unreadable?: string
}

export interface ReadProgress {
  (done: number, of: number): void
}

interface Cached {
  readonly size: number
  readonly changed: number
  readonly entry: QueueEntry
}

const atOnce = 64
// files that a command reads between two looks at what else there is to do
const together = 200
const mostLooks = 5

export class QueueReader {
  private readonly folder: string
  private readonly alone: boolean
  private cache = new Map<string, Cached>()
  private reading: Promise<QueueEntry[]> | undefined

  /** `alone`: the program does nothing else meanwhile, so that it may wait for the disk: a command. */
  constructor(folder: string, { alone = false }: { readonly alone?: boolean } = {}) {
    this.folder = folder
    this.alone = alone
  }

  /** Every entry, the oldest first. Who asks while it is read gets the same. */
  entries(progress?: ReadProgress): Promise<QueueEntry[]> {
    this.reading ??= this.read(progress).finally(() => {
      this.reading = undefined
    })
    return this.reading
  }

  /** That one alone; `undefined`: it is gone, or no entry. */
  async entry(name: string): Promise<QueueEntry | undefined> {
    const file = parseQueueFileName(name)
    return file && (await this.one(file))?.entry
  }

  private async read(progress: ReadProgress | undefined): Promise<QueueEntry[]> {
    const found = new Map<string, Cached>()
    for (let look = 0; look < mostLooks; look++) {
      const names = (await this.names()).flatMap((name) => parseQueueFileName(name) ?? [])
      const missing = await this.readAll(names, found, progress)
      if (missing === 0) break
    }
    this.cache = found
    return [...found.values()].map(({ entry }) => entry).sort((a, b) => a.since - b.since)
  }

  /** Haraka makes the folder at its first start. */
  private names(): Promise<string[]> {
    return readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
  }

  /** How many of the names were gone when it was their turn. */
  private async readAll(
    names: readonly QueueFileName[],
    found: Map<string, Cached>,
    progress: ReadProgress | undefined,
  ): Promise<number> {
    const there = new Set(names.map(({ name }) => name))
    for (const name of found.keys()) if (!there.has(name)) found.delete(name)
    const waiting = names.filter(({ name }) => !found.has(name)).toReversed()
    let done = names.length - waiting.length
    let missing = 0
    const take = (name: QueueFileName, cached: Cached | undefined): void => {
      if (cached) found.set(name.name, cached)
      else missing++
      progress?.(++done, names.length)
    }
    if (this.alone) {
      for (let name = waiting.pop(); name; name = waiting.pop()) {
        take(name, this.oneNow(name))
        if (done % together === 0) await nextTurn()
      }
      return missing
    }
    const work = async (): Promise<void> => {
      for (let name = waiting.pop(); name; name = waiting.pop()) take(name, await this.one(name))
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return missing
  }

  private async one(name: QueueFileName): Promise<Cached | undefined> {
    const path = join(this.folder, name.name)
    try {
      const { size, mtimeMs: changed } = await stat(path)
      const known = this.cache.get(name.name)
      if (known?.size === size && known.changed === changed) return known
      return { size, changed, entry: entryOf(name, size, await readHeadOf(path)) }
    } catch (error) {
      return failedOf(name, error)
    }
  }

  private oneNow(name: QueueFileName): Cached | undefined {
    let file
    try {
      file = openSync(join(this.folder, name.name), 'r')
      const { size, mtimeMs: changed } = fstatSync(file)
      return { size, changed, entry: entryOf(name, size, readHeadNow(file)) }
    } catch (error) {
      return failedOf(name, error)
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }
}

function failedOf(name: QueueFileName, error: unknown): Cached | undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  return { size: -1, changed: 0, entry: unreadable(name, errorText(error)) }
}

function entryOf(name: QueueFileName, size: number, head: QueueHead): QueueEntry {
  const { uuid, queueTime, domain, sender, recipients, notes } = head
  const own = notes['address_space'] as OwnNotes | undefined
  return {
    ...name,
    uuid,
    place: placeOf(own, domain),
    sender,
    recipients: recipients.map((recipient) => {
      return { recipient, original: own?.recipients?.[recipient]?.original ?? recipient }
    }),
    since: queueTime || name.arrival,
    size,
  }
}

interface OwnNotes {
  readonly place?: Place | { readonly kind: 'undecided' }
  readonly recipients?: Readonly<Record<string, { readonly original?: string } | undefined>>
}

/** Of mail that the gateway makes itself: routed when it is delivered. */
export const reportPlace = 'report'

function placeOf(own: OwnNotes | undefined, domain: string): string {
  const place = own?.place
  if (!place) return placeKey({ kind: 'outbound', domain })
  return place.kind === 'undecided' ? reportPlace : placeKey(place)
}

function unreadable(name: QueueFileName, reason: string): QueueEntry {
  return {
    ...name,
    uuid: '',
    place: '',
    sender: '',
    recipients: [],
    since: name.arrival,
    size: 0,
    unreadable: reason,
  }
}
