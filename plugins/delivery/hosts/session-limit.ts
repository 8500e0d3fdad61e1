/**
 * How many sessions a host takes. Full is not failing: a host that refuses one more session while
 * others of ours are open there has told its limit. Each minute without a refusal raises it by one,
 * up to what the configuration allows. Pure: times are in milliseconds, passed in.
 *
 * Where several processes share a gateway, the first one gathers what they learn and tells each its
 * share (shared-limit.ts), which then counts in the place of what this process has learned. A share of
 * none lasts some seconds: until the others have given back what they have too much.
 */
const raiseAfter = 60_000
const longestNone = 5000

export class SessionLimit {
  /** the host's words when it refused; empty: it never did */
  reason = ''
  private learned = Number.POSITIVE_INFINITY
  private refusedAt = 0
  private told: { readonly share: number; readonly at: number } | undefined

  /** How many sessions may be open at that time; `most` is what the configuration allows. */
  at(now: number, most: number): number {
    const own = Math.max(1, Math.min(most, this.learned + this.raises(now)))
    return this.told ? Math.min(own, this.share(now)) : own
  }

  isLearned(now: number, most: number): boolean {
    return (
      this.learned + this.raises(now) < most || (this.told !== undefined && this.told.share < most)
    )
  }

  /** It refused one more while `open` sessions stood. Answers whether the limit is another one now. */
  refused(open: number, now: number, most: number, reason: string): boolean {
    const before = this.at(now, most)
    this.learned = Math.max(1, open)
    this.refusedAt = now
    this.reason = reason
    return this.at(now, most) !== before
  }

  /** So many are open: it takes that many. */
  seen(open: number, now: number): void {
    if (open > this.learned + this.raises(now)) this.learned = open - this.raises(now)
  }

  /** The share of this process, of what all of them have learned. */
  tell(share: number, now: number, reason: string): void {
    this.learned = Number.POSITIVE_INFINITY
    this.told = { share, at: now }
    this.reason = reason
  }

  /** When it will be one more; undefined: never, it is not learned. */
  nextRaise(now: number, most: number): number | undefined {
    if (this.told?.share === 0 && now < this.told.at + longestNone)
      return this.told.at + longestNone
    if (this.learned + this.raises(now) >= most) return undefined
    return this.refusedAt + (this.raises(now) + 1) * raiseAfter
  }

  /** Of what this process has learned itself; a share stays until another one is told. */
  forget(): void {
    this.learned = Number.POSITIVE_INFINITY
    if (!this.told) this.reason = ''
  }

  /** The others have learned nothing any more either. */
  forgetShare(): void {
    this.told = undefined
    this.forget()
  }

  private share(now: number): number {
    if (!this.told) return Number.POSITIVE_INFINITY
    return this.told.share > 0 || now < this.told.at + longestNone ? this.told.share : 1
  }

  private raises(now: number): number {
    return Math.floor((now - this.refusedAt) / raiseAfter)
  }
}
