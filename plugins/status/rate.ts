/**
 * So many requests of a client in a second and no more, so that the page takes little from the mail. What is refused
 * costs a part of one that is answered: who goes on asking far too often gets nothing until he stops. Pure.
 */
import { LRUCache } from 'lru-cache'

export interface RateOptions {
  /** what a refused request costs, as part of one that is answered */
  readonly refused: number
  /** milliseconds that only go forward */
  readonly clock?: () => number
}

export class Rate {
  private readonly perSecond: number
  private readonly refused: number
  private readonly clock: () => number
  private left: number
  private at: number

  constructor(perSecond: number, { refused, clock = () => performance.now() }: RateOptions) {
    this.perSecond = perSecond
    this.refused = refused
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

  /** Whether it fits; it counts then, and a little if it does not. */
  take(): boolean {
    const { fits } = this
    this.left = fits ? this.left - 1 : Math.max(0, this.left - this.refused)
    return fits
  }
}

/** By client, so that one who asks too much keeps no other away. */
export class Rates {
  private readonly known = new LRUCache<string, Rate>({ max: 1000 })
  private readonly perSecond: number
  private readonly options: RateOptions

  constructor(perSecond: number, options: RateOptions) {
    this.perSecond = perSecond
    this.options = options
  }

  of({ remoteAddress = '' }: { readonly remoteAddress?: string | undefined }): Rate {
    const rate = this.known.get(remoteAddress) ?? new Rate(this.perSecond, this.options)
    this.known.set(remoteAddress, rate)
    return rate
  }
}
