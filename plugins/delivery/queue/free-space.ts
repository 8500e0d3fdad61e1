/**
 * The disk of the queue: below the floor no mail is taken any more (RFC 5321 4.2.3, 452), while what is
 * queued goes on being delivered. Looked at once a second at most, and never waited for: a disk that
 * cannot be asked is not full.
 */
import { performance } from 'node:perf_hooks'
import { statfs } from 'node:fs/promises'

import type { Log } from '../../config/environment.js'
import type { FreeSpace } from '../../decision/connectors-config.js'

const goodFor = 1000

/** What statfs says, in octets. */
export interface Disk {
  readonly free: number
  readonly size: number
}

async function askDisk(folder: string): Promise<Disk> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { free: bavail * bsize, size: blocks * bsize }
}

/** Octets that have to be free. Pure. */
export function floorOf({ percent, octets }: FreeSpace, { size }: Pick<Disk, 'size'>): number {
  return percent > 0 ? Math.min(octets, (percent / 100) * size) : octets
}

export class QueueDisk {
  private readonly folder: () => string
  private readonly log: Log
  private readonly ask: (folder: string) => Promise<Disk>
  private disk: Disk | undefined
  private askedAt = Number.NEGATIVE_INFINITY
  private told = false

  constructor(folder: () => string, log: Log, ask: typeof askDisk = askDisk) {
    this.folder = folder
    this.log = log
    this.ask = ask
  }

  /** Whether less than the floor was free when it was looked at last. */
  isLow(floor: FreeSpace): boolean {
    if (performance.now() - this.askedAt > goodFor) void this.look()
    if (!this.disk) return false
    const { free } = this.disk
    const wanted = floorOf(floor, this.disk)
    const low = free < wanted
    if (low && !this.told) {
      this.log.crit(
        `the disk of the queue has ${megabytes(free)} free, expected ${megabytes(wanted)} (min_free): no mail is taken`,
      )
    } else if (!low && this.told) this.log.notice('the disk of the queue has room again')
    this.told = low
    return low
  }

  /** Looks now; never rejects. */
  async look(): Promise<void> {
    this.askedAt = performance.now()
    try {
      this.disk = await this.ask(this.folder())
    } catch {
      this.disk = undefined
    }
  }
}

function megabytes(octets: number): string {
  return `${Math.floor(octets / 1024 ** 2)} MB`
}
