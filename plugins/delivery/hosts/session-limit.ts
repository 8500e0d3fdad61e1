/**
 * How many sessions a host takes. Full is not failing: a host that refuses one more session while
 * others of ours are open there has told its limit. Each minute without a refusal raises it by one,
 * up to what the configuration allows. Pure: times are in milliseconds, passed in.
 */
const raiseAfter = 60_000

export class SessionLimit {
  /** the host's words when it refused; empty: it never did */
  reason = ''
  private learned = Number.POSITIVE_INFINITY
  private refusedAt = 0

  /** How many sessions may be open at that time; `most` is what the configuration allows. */
  at(now: number, most: number): number {
    return Math.max(1, Math.min(most, this.learned + this.raises(now)))
  }

  isLearned(now: number, most: number): boolean {
    return this.learned + this.raises(now) < most
  }

  /** It refused one more while `open` sessions stood. Answers whether the limit is another one now. */
  refused(open: number, now: number, most: number, reason: string): boolean {
    const before = this.at(now, most)
    this.learned = Math.max(1, open)
    this.refusedAt = now
    this.reason = reason
    return this.at(now, most) !== before
  }

  /** When it will be one more; undefined: never, it is not learned. */
  nextRaise(now: number, most: number): number | undefined {
    if (!this.isLearned(now, most)) return undefined
    return this.refusedAt + (this.raises(now) + 1) * raiseAfter
  }

  forget(): void {
    this.learned = Number.POSITIVE_INFINITY
    this.reason = ''
  }

  private raises(now: number): number {
    return Math.floor((now - this.refusedAt) / raiseAfter)
  }
}
