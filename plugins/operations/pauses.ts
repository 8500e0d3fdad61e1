/**
 * The places that an administrator holds back, in `paused.json` of the control folder: they outlive
 * a restart, and a command can write them while no gateway runs.
 *
 * Each process looks at the file every second and holds what it read in memory: delivery asks for
 * every message. A file that cannot be read changes nothing; that is told once.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { chownSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { errorText } from '../basics/error-text.js'
import type { Log } from '../config/environment.js'
import type { Pause } from '../delivery/state.js'

export interface WrittenPause extends Pause {
  /** milliseconds since 1970 */
  readonly since: number
  readonly by: string
}

interface Written {
  readonly version: 1
  readonly places: Readonly<Record<string, WrittenPause>>
}

const fileName = 'paused.json'
const interval = 1000

/** What is paused now; nothing if there is no file. Throws if it cannot be read. */
export function readPauses(controlFolder: string, now = Date.now()): Map<string, WrittenPause> {
  let text
  try {
    text = readFileSync(join(controlFolder, fileName), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw error
  }
  const written = JSON.parse(text) as Partial<Written>
  if (written.version !== 1) throw new Error(`expected version 1, got ${String(written.version)}`)
  return new Map(
    Object.entries(written.places ?? {}).filter(([, pause]) => (pause.until ?? now + 1) > now),
  )
}

/** Writes the pauses whole or not at all; those that are over go. Throws if the disk refuses. */
export function changePauses(
  controlFolder: string,
  change: (places: Map<string, WrittenPause>) => void,
): void {
  const places = readPauses(controlFolder)
  change(places)
  const written: Written = { version: 1, places: Object.fromEntries(places) }
  const path = join(controlFolder, fileName)
  const draft = `${path}.${process.pid}`
  const file = openSync(draft, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(written, undefined, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  keepOwner(draft)
  renameSync(draft, path)
}

/** What root writes, Haraka's user has to read: the folder is his. */
function keepOwner(path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}

export class Pauses {
  private readonly folder: string
  private readonly log: Log
  private readonly ended: (place: string) => void
  private places: ReadonlyMap<string, WrittenPause> = new Map()
  private seen = ''
  private timer: NodeJS.Timeout | undefined

  /** `ended` is called for each place whose pause is over. */
  constructor(folder: string, log: Log, ended: (place: string) => void) {
    this.folder = folder
    this.log = log
    this.ended = ended
    this.refresh()
  }

  /** Looks at the file from now on. */
  start(): void {
    this.timer = setInterval(() => this.refresh(), interval).unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  paused(place: string): Pause | undefined {
    const pause = this.places.get(place)
    return pause && (pause.until ?? Number.POSITIVE_INFINITY) > Date.now() ? pause : undefined
  }

  all(): ReadonlyMap<string, WrittenPause> {
    return this.places
  }

  /** Takes what the file says now. Never throws. */
  refresh(): void {
    const before = this.places
    try {
      const stamp = stampOf(join(this.folder, fileName))
      if (stamp === this.seen) this.places = unended(before)
      else {
        this.places = readPauses(this.folder)
        this.seen = stamp
      }
    } catch (error) {
      const stamp = errorText(error)
      if (this.seen !== stamp) this.log.error(`what is paused cannot be read: ${stamp}`)
      this.seen = stamp
    }
    for (const place of before.keys()) if (!this.places.has(place)) this.ended(place)
  }
}

function unended(places: ReadonlyMap<string, WrittenPause>): ReadonlyMap<string, WrittenPause> {
  const now = Date.now()
  const over = (pause: WrittenPause): boolean => pause.until !== undefined && pause.until <= now
  return [...places.values()].some(over)
    ? new Map([...places].filter(([, pause]) => !over(pause)))
    : places
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
}
