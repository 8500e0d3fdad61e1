/**
 * Counts what is under way, so that one can wait for the end of all that had begun by then, while more
 * begins all the time. Costs two additions where nobody waits.
 */
export class UnderWay {
  private count = 0
  /** how often somebody has begun to wait */
  private waits = 0
  private readonly waiting = new Set<Waiting>()

  /** Something begins; what it answers is for `end`. */
  begin(): number {
    this.count += 1
    return this.waits
  }

  end(begun: number): void {
    this.count -= 1
    for (const one of this.waiting) {
      if (begun > one.wait) continue
      one.left -= 1
      if (one.left > 0) continue
      this.waiting.delete(one)
      one.done()
    }
  }

  /** Settles when all that is under way now has ended; at once if nothing is. */
  ended(): Promise<void> {
    if (this.count === 0) return Promise.resolve()
    const wait = this.waits
    this.waits += 1
    return new Promise((done) => this.waiting.add({ wait, left: this.count, done }))
  }
}

interface Waiting {
  readonly wait: number
  left: number
  readonly done: () => void
}
