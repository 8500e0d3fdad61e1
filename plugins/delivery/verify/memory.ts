/**
 * What the hosts of one connector have answered, and what is being asked there: forgotten as a whole
 * when its hosts change (`hosts` is another). Answers are good for a time, in milliseconds:
 *
 *   yes      a day, but after an hour it is asked again in the background, so that those who are
 *            known never wait; an answer that cannot be had then changes nothing
 *   no       a minute, so that a new mailbox is not refused for long; ten where it took the host
 *            longer than a client waits: else the next one to ask would again hear nothing
 *   unknown  ten seconds
 *
 * What one believes of a host and a domain is good for an hour, and found out again when somebody asks
 * after that; until then the old belief stands, for a second hour at most.
 */
import { LRUCache } from 'lru-cache'

import type { Verification } from '../../mail/verification.js'
import type { Belief } from './belief.js'

const minute = 60_000
const ttl = { yes: 24 * 60 * minute, no: minute, slowNo: 10 * minute, unknown: minute / 6 }
const freshFor = 60 * minute
/** a host that put us off is asked again soon */
const retryAfter = minute

/** A question under way. It never rejects. */
export interface Question {
  readonly answer: Promise<Verification>
  /** whether a host is being asked, and not only waited for */
  readonly isBegun: () => boolean
}

interface Known {
  readonly answer: Verification
  freshUntil: number
}

interface Held {
  readonly host: string
  readonly belief: Belief
  readonly domain: string
  readonly since: number
}

export class ConnectorMemory {
  readonly hosts: string
  /** questions under way, by recipient */
  readonly asking = new Map<string, Question>()
  /** hosts and domains whose two addresses are being asked about */
  readonly controls = new Map<string, Promise<Belief>>()
  private readonly answers = new LRUCache<string, Known>({ max: 50_000 })
  private readonly beliefs = new LRUCache<string, Held>({ max: 10_000, ttl: 2 * freshFor })
  private readonly useless = new LRUCache<string, Belief>({ max: 10_000, ttl: freshFor })
  private readonly taken = new LRUCache<string, true>({ max: 10_000, ttl: 24 * freshFor })
  private readonly now: () => number

  constructor(hosts: string, now: () => number = () => performance.now()) {
    this.hosts = hosts
    this.now = now
  }

  /** What is known; `isStale`: it is to be asked again. */
  answer(recipient: string): { answer: Verification; isStale: boolean } | undefined {
    const known = this.answers.get(recipient)
    return known && { answer: known.answer, isStale: this.now() >= known.freshUntil }
  }

  remember(recipient: string, answer: Verification, slow: boolean): void {
    const known = this.answers.get(recipient)
    if (answer.kind === 'unknown' && known?.answer.kind === 'yes') {
      known.freshUntil = this.now() + retryAfter
      return
    }
    const good = answer.kind === 'no' && slow ? ttl.slowNo : ttl[answer.kind]
    const freshUntil = this.now() + (answer.kind === 'yes' ? freshFor : good)
    this.answers.set(recipient, { answer, freshUntil }, { ttl: good })
  }

  /** Somebody of the domain exists there: a host that took him does not refuse everybody. */
  sawTaken(domain: string): void {
    this.taken.set(domain, true)
    if (this.useless.get(domain)?.kind !== 'refuses all') return
    this.useless.delete(domain)
    for (const [key, { belief, domain: its }] of this.beliefs.entries()) {
      if (its === domain && belief.kind === 'refuses all') this.beliefs.delete(key)
    }
  }

  hasTaken(domain: string): boolean {
    return this.taken.has(domain)
  }

  /** A belief that makes questions about the domain idle, for an hour: one of its hosts takes or refuses all. */
  uselessFor(domain: string): Belief | undefined {
    return this.useless.get(domain)
  }

  belief(host: string, domain: string): Belief | undefined {
    return this.beliefs.get(keyOf(host, domain))?.belief
  }

  /** Whether the host is to be asked (again) about the two addresses of the domain. */
  isDue(host: string, domain: string): boolean {
    const held = this.beliefs.get(keyOf(host, domain))
    if (!held) return true
    return this.now() - held.since >= (held.belief.kind === 'cannot say' ? retryAfter : freshFor)
  }

  /** All that is believed now. */
  all(): { host: string; domain: string; belief: Belief }[] {
    return [...this.beliefs.values()].map(({ host, domain, belief }) => ({ host, domain, belief }))
  }

  /** True: it is another belief than before. */
  believe(host: string, domain: string, belief: Belief): boolean {
    const key = keyOf(host, domain)
    const before = this.beliefs.get(key)?.belief.kind
    this.beliefs.set(key, { host, belief, domain, since: this.now() })
    if (belief.kind === 'takes all' || belief.kind === 'refuses all') {
      this.useless.set(domain, belief)
    }
    return before !== belief.kind
  }
}

/** What `beliefs` and `controls` are kept under. */
export function keyOf(host: string, domain: string): string {
  return `${host}\0${domain}`
}
