/**
 * Counts of the last five minutes, by key: what flows now, for people. In steps of ten seconds, so
 * that the memory is bounded whatever the load. Pure; the clock is passed in.
 */
export const recentMinutes = 5

const step = 10_000
const steps = (recentMinutes * 60_000) / step

export class RecentCounts {
  private readonly clock: () => number
  /** by number of the step since the clock began */
  private readonly buckets = new Map<number, Map<string, number>>()

  /** `clock`: milliseconds that only go forward. */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock
  }

  add(key: string, count = 1): void {
    const now = Math.floor(this.clock() / step)
    let bucket = this.buckets.get(now)
    if (!bucket) {
      this.forget(now)
      bucket = new Map()
      this.buckets.set(now, bucket)
    }
    bucket.set(key, (bucket.get(key) ?? 0) + count)
  }

  /** What was added within the last five minutes. */
  sums(): Record<string, number> {
    this.forget(Math.floor(this.clock() / step))
    const sums: Record<string, number> = {}
    for (const bucket of this.buckets.values()) {
      for (const [key, count] of bucket) sums[key] = (sums[key] ?? 0) + count
    }
    return sums
  }

  private forget(now: number): void {
    for (const number of this.buckets.keys()) {
      if (number <= now - steps) this.buckets.delete(number)
    }
  }
}
