/** So many requests in a second and no more, so that the page takes little from the mail. Pure. */
export class Rate {
  private readonly perSecond: number
  private readonly clock: () => number
  private left: number
  private at: number

  /** `clock`: milliseconds that only go forward. */
  constructor(perSecond: number, clock: () => number = () => performance.now()) {
    this.perSecond = perSecond
    this.clock = clock
    this.left = perSecond
    this.at = clock()
  }

  /** Whether one more fits. */
  get fits(): boolean {
    const now = this.clock()
    this.left = Math.min(this.perSecond, this.left + ((now - this.at) / 1000) * this.perSecond)
    this.at = now
    return this.left >= 1
  }

  /** Whether it fitted; it counts then. */
  take(): boolean {
    if (!this.fits) return false
    this.left -= 1
    return true
  }
}
