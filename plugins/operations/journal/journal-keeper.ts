/**
 * Keeps the journal's folder within its bounds, in the first process only: old files and what is too
 * much go, now and then, the oldest first.
 *
 * Dates are compared with the clock, and a clock that jumps would empty the folder. So a look at
 * which the clock has not gone on as much as the time has removes nothing for its date.
 */
import { errorText } from '../../basics/error-text.js'
import type { Log } from '../../config/environment.js'
import type { JournalSettings } from '../operations-config.js'
import { pruneJournal } from './journal-files.js'

// milliseconds
const interval = 600_000
const sizeInterval = 30_000
const believed = 60_000

export interface Clocks {
  /** milliseconds since 1970 */
  readonly now: () => number
  /** milliseconds that only go forward */
  readonly elapsed: () => number
}

const realClocks: Clocks = { now: Date.now, elapsed: () => performance.now() }

export class JournalKeeper {
  private readonly folder: string
  private readonly settings: () => JournalSettings | undefined
  private readonly log: Log
  private readonly clocks: Clocks
  private timer: NodeJS.Timeout | undefined
  private last: { readonly now: number; readonly elapsed: number }

  constructor(
    folder: string,
    settings: () => JournalSettings | undefined,
    log: Log,
    clocks = realClocks,
  ) {
    this.folder = folder
    this.settings = settings
    this.log = log
    this.clocks = clocks
    this.last = { now: clocks.now(), elapsed: clocks.elapsed() }
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), sizeInterval).unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const settings = this.settings()
    if (!settings) return
    try {
      const now = this.clocks.now()
      const removed = await pruneJournal(this.folder, settings, now, this.mayGoByDate(now))
      if (removed.length > 0) this.log.info(`journal: removed ${removed.join(', ')}`)
    } catch (error) {
      this.log.error(`journal: old files cannot be removed: ${errorText(error)}`)
    }
  }

  /** Every ten minutes, if the clock went on as it should since the last time. */
  private mayGoByDate(now: number): boolean {
    const elapsed = this.clocks.elapsed()
    const passed = elapsed - this.last.elapsed
    if (passed < interval) return false
    const steady = Math.abs(now - this.last.now - passed) < believed
    this.last = { now, elapsed }
    return steady
  }
}
