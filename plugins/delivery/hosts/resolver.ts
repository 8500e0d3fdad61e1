/**
 * MX and addresses of hosts, with answers kept for a minute. An older one is still given for an hour, at
 * once, while DNS is asked in the background, so that no message waits for a slow one; and the last known
 * one for as long as DNS fails.
 *
 * `none` is an answer (no such name, no such record); a failure to find out is a rejection, and
 * always temporary. Addresses are asked of the system, so that /etc/hosts counts.
 */
import { promises as dns, type MxRecord } from 'node:dns'

import { LRUCache } from 'lru-cache'

import { inTime } from '../../basics/in-time.js'

export interface Dns {
  resolveMx(domain: string): Promise<MxRecord[]>
  lookup(host: string): Promise<string[]>
}

export interface Mx {
  readonly exchange: string
  readonly priority: number
}

const timeToLive = 60_000
const goodMeanwhile = 3_600_000
const dnsTimeout = 5000
const noSuchRecord = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME'])

const system = new dns.Resolver({ timeout: dnsTimeout / 2, tries: 2 })

export const systemDns: Dns = {
  resolveMx: (domain) => system.resolveMx(domain),
  async lookup(host) {
    const answers = await dns.lookup(host, { all: true, order: 'verbatim' })
    return answers.map(({ address }) => address)
  },
}

export class Resolver {
  private readonly dns: Dns
  private readonly now: () => number
  private readonly answers = new LRUCache<string, { at: number; value: unknown }>({ max: 10_000 })
  private readonly asking = new Map<string, Promise<unknown>>()

  constructor(dns: Dns = systemDns, now: () => number = Date.now) {
    this.dns = dns
    this.now = now
  }

  /** MX records in order of preference; empty: none. Rejects when it could not be found out. */
  mx(domain: string): Promise<Mx[]> {
    return this.ask(`MX ${domain}`, async () => {
      const records = await orNone(this.dns.resolveMx(domain))
      return records.sort((a, b) => a.priority - b.priority)
    })
  }

  /** IP addresses; empty: none. Rejects when it could not be found out. */
  addresses(host: string): Promise<string[]> {
    return this.ask(`A ${host}`, () => orNone(this.dns.lookup(host)))
  }

  private ask<T>(question: string, find: () => Promise<T>): Promise<T> {
    const known = this.answers.get(question)
    if (known && this.now() < known.at + timeToLive) return Promise.resolve(known.value as T)
    const underWay = this.asking.get(question) as Promise<T> | undefined
    const asked = underWay ?? this.find(question, find, known?.value as T | undefined)
    if (!underWay) this.asking.set(question, asked)
    if (!known || this.now() >= known.at + goodMeanwhile) return asked
    // an answer that is known does not fail
    asked.catch(() => undefined)
    return Promise.resolve(known.value as T)
  }

  private async find<T>(question: string, find: () => Promise<T>, last: T | undefined): Promise<T> {
    try {
      const value = await withEnd(find())
      this.answers.set(question, { at: this.now(), value })
      return value
    } catch (error) {
      if (last === undefined) throw error
      return last
    } finally {
      this.asking.delete(question)
    }
  }
}

async function orNone<T>(records: Promise<T[]>): Promise<T[]> {
  try {
    return await records
  } catch (error) {
    if (error instanceof Error && 'code' in error && noSuchRecord.has(String(error.code))) return []
    throw error
  }
}

function withEnd<T>(answer: Promise<T>): Promise<T> {
  return inTime(answer, dnsTimeout, () => {
    throw new Error(`expected DNS to answer within ${dnsTimeout / 1000} s`)
  })
}
