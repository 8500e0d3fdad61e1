/**
 * The cache in front of a directory that has to be asked over the network.
 *
 *   age of an answer          known                                not there
 *   up to ttl / negative_ttl  answers                              answers
 *   up to twice the ttl       answers, refreshed in the background asked again
 *   up to stale_ttl           asked again; answers if that fails   asked again
 *   beyond                    asked again                          asked again
 *
 * So a known address stays known while the directory is away, an unknown one becomes "cannot find
 * out" and never "not there" for longer than was asked for. An ambiguous answer is kept as short as
 * a "not there", as somebody is about to mend it. Many askers of one address make one lookup.
 *
 * Known and unknown have room of their own, so a flood of made-up addresses pushes out nobody who is known.
 * An answer is kept for what was asked: a spelling that only compares alike (U+212A for k, a letter and
 * its accent apart) has an answer of its own, and makes no real address unknown.
 */
import { LRUCache } from 'lru-cache'

import type { MailAddress } from '../mail/mail-address.js'
import type { CacheSettings } from './config.js'
import type { CountedDirectory, Directory, DirectoryCounts, DirectoryEntry } from './directory.js'

type Entries = readonly DirectoryEntry[]

interface Answer {
  readonly entries: Entries
  /** milliseconds of the clock */
  readonly at: number
}

export class CachedDirectory implements CountedDirectory {
  readonly name: string
  readonly counts: DirectoryCounts = { hits: 0, misses: 0, stale: 0, errors: 0 }
  private readonly directory: Directory
  private readonly settings: CacheSettings
  private readonly clock: () => number
  private readonly known: LRUCache<string, Answer>
  /** not there, or ambiguous */
  private readonly unknown: LRUCache<string, Answer>
  /** lookups under way */
  private readonly asked = new Map<string, Promise<Entries>>()

  constructor(directory: Directory, settings: CacheSettings, clock = () => performance.now()) {
    this.name = directory.name
    this.directory = directory
    this.settings = settings
    this.clock = clock
    const { maxEntries } = settings
    this.known = new LRUCache({ max: maxEntries })
    this.unknown = new LRUCache({ max: Math.ceil(maxEntries / 4) })
  }

  async find(address: MailAddress): Promise<Entries> {
    const key = cacheKey(address)
    const answer = this.known.get(key) ?? this.unknown.get(key)
    if (!answer) return this.ask(address)
    const { ttl, negativeTtl, staleTtl } = this.settings
    const age = this.clock() - answer.at
    const known = answer.entries.length === 1
    const good = known ? ttl : negativeTtl
    if (age < good) {
      this.counts.hits += 1
      return answer.entries
    }
    if (!known) return this.ask(address)
    if (age < Math.min(2 * ttl, staleTtl)) {
      this.counts.stale += 1
      // a failure is counted; the answer stays until it is too old
      this.ask(address).catch(() => {})
      return answer.entries
    }
    try {
      return await this.ask(address)
    } catch (error) {
      if (age >= staleTtl) throw error
      this.counts.stale += 1
      return answer.entries
    }
  }

  /** Nothing is loaded beforehand. */
  ready(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.known.clear()
    this.unknown.clear()
    return this.directory.close()
  }

  /** Asks the directory, unless that is under way for the address, and keeps the answer. */
  private ask(address: MailAddress): Promise<Entries> {
    const key = cacheKey(address)
    const underWay = this.asked.get(key)
    if (underWay) return underWay
    this.counts.misses += 1
    const asked = this.directory
      .find(address)
      .then(
        (entries) => {
          this.keep(key, { entries, at: this.clock() })
          return entries
        },
        (error: unknown) => {
          this.counts.errors += 1
          throw error
        },
      )
      .finally(() => this.asked.delete(key))
    this.asked.set(key, asked)
    return asked
  }

  private keep(key: string, answer: Answer): void {
    const isKnown = answer.entries.length === 1
    const [there, other] = isKnown ? [this.known, this.unknown] : [this.unknown, this.known]
    there.set(key, answer)
    other.delete(key)
  }
}

/** Case is no spelling in ASCII; beyond it, what compares alike was not asked alike. */
function cacheKey({ key, local, domain }: MailAddress): string {
  // eslint-disable-next-line no-control-regex -- the ASCII range
  return /^[\u0000-\u007f]*$/u.test(local) ? key : `${local}@${domain}`
}
