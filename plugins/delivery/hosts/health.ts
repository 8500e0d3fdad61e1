/**
 * Whether a host is well, judged by its sessions and by nothing else. Pure: the clock and the chance
 * are passed in, in milliseconds.
 *
 *   a session that becomes ready   the host is well
 *   one that does not              it is left alone for 1 s, doubled each time up to 5 min, ±20 %
 *
 * No pause is longer than 20 s, or a tenth of the time that the host has been away: its mail goes out
 * within half a minute of its return from an outage of some minutes, and soon after a longer one.
 *
 * When that time is over one session is opened, the probe; once it is ready, all that wait go on.
 * Sessions that were under way together are one failure, not many.
 */
const firstPause = 1000
const longestPause = 300_000
const longestAtFirst = 20_000
const shareOfOutage = 0.1
const spread = 0.2

/** A session that is being opened. */
export interface Attempt {
  readonly since: number
  readonly probe: boolean
  /** what was known of the host's limit when it began (shared-limit.ts) */
  readonly lesson?: number
  /** of the login that it is for (logins.ts) */
  readonly login?: { readonly name: string; readonly attempt: Attempt }
}

export class HostHealth {
  /** why it is left alone; empty: it is well */
  reason = ''
  /** in a row */
  private failures = 0
  private failedAt = 0
  private awaySince = 0
  private retryAt = 0
  private probing = false
  private readonly chance: () => number

  /** `chance` answers a number from 0 up to 1. */
  constructor(chance: () => number = Math.random) {
    this.chance = chance
  }

  get isWell(): boolean {
    return this.failures === 0
  }

  /** The time at which it is tried again; undefined: it is well. */
  get until(): number | undefined {
    return this.failures === 0 ? undefined : this.retryAt
  }

  /** Whether a session may be opened now. */
  admits(now: number): boolean {
    return this.failures === 0 || (!this.probing && now >= this.retryAt)
  }

  /** A session is being opened; how that ends is told by one of the three below. */
  begin(now: number): Attempt {
    const probe = this.failures > 0
    if (probe) this.probing = true
    return { since: now, probe }
  }

  /** The session is ready. Answers whether the host had been left alone. */
  ready(): boolean {
    const again = this.failures > 0
    this.failures = 0
    this.probing = false
    this.reason = ''
    return again
  }

  /**
   * The session did not become ready. Answers whether the host was well until now. `longest`: no pause
   * is longer than that.
   */
  failed({ since, probe }: Attempt, now: number, reason: string, longest = longestPause): boolean {
    if (probe) this.probing = false
    // it was begun before the last failure was known: that is the same failure
    else if (this.failures > 0 && since <= this.failedAt) return false
    if (this.failures === 0) this.awaySince = now
    this.failures++
    this.failedAt = now
    this.reason = reason
    const soon = Math.max(longestAtFirst, (now - this.awaySince) * shareOfOutage)
    const pause = Math.min(firstPause * 2 ** (this.failures - 1), soon, longest)
    this.retryAt = now + pause * (1 - spread + 2 * spread * this.chance())
    return this.failures === 1
  }

  /** It was given up for a reason of ours: that says nothing of the host. */
  abandoned({ probe }: Attempt): void {
    if (probe) this.probing = false
  }
}
