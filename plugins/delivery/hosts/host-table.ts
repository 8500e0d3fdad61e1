/**
 * The hosts that are known now, and what is told of them: to who watches delivery, and to the log. A host
 * that nothing is known of is well. Hosts of made-up domains must not fill the memory: the oldest one that
 * has no session goes.
 */
import type { Log } from '../../config/environment.js'
import { formatEndpoint, type Endpoint, type Session } from '../smtp/session.js'
import type { HostState } from '../state.js'
import { Host, type News } from './host.js'
import { hostKey, hostOfWay, loginOfWay, type SessionWish } from './lease.js'
import type { Share } from './shared-limit.js'
import type { Turn } from './waiting-line.js'

export interface KnownHost {
  readonly key: string
  readonly host: Host<Session>
  /** clients that wait for a session with it */
  readonly turns: Set<Turn>
  wake?: NodeJS.Timeout | undefined
}

export class HostTable {
  private readonly hosts = new Map<string, KnownHost>()
  /** told of hosts that this process has not met yet */
  private readonly shares = new Map<string, Share>()
  private readonly processes: number
  private readonly most: number

  /** `most`: how many are remembered. */
  constructor(processes: number, most: number) {
    this.processes = processes
    this.most = most
  }

  know(endpoint: Endpoint, { place, maxSessions }: SessionWish): KnownHost {
    const key = hostKey(endpoint)
    let known = this.hosts.get(key)
    if (!known) {
      this.forgetOne()
      const host = new Host<Session>(formatEndpoint(endpoint), undefined, this.processes > 1)
      known = { key, host, turns: new Set() }
      this.hosts.set(key, known)
      const share = this.shares.get(key)
      this.shares.delete(key)
      if (share) host.useShare(share, performance.now())
    }
    known.host.allow(place, Math.max(1, Math.floor(maxSessions / this.processes)))
    return known
  }

  /** The share of this process at a host, which it may meet later. */
  useShare(key: string, share: Share): KnownHost | undefined {
    const known = this.hosts.get(key)
    if (known) known.host.useShare(share, performance.now())
    else if (share.share === undefined) this.shares.delete(key)
    else if (this.shares.size < this.most) this.shares.set(key, share)
    return known
  }

  get(key: string): KnownHost | undefined {
    return this.hosts.get(key)
  }

  all(): readonly KnownHost[] {
    return [...this.hosts.values()]
  }

  forget(key: string): void {
    this.hosts.delete(key)
  }

  /** What is known of a way to a host, or of a host. */
  state(way: string): HostState {
    const now = performance.now()
    const key = hostOfWay(way)
    const host = this.hosts.get(key)?.host
    if (!host) {
      return { host: key, condition: 'well', reason: '', busy: 0, idle: 0, limit: 0 }
    }
    const { limit, busy, opening, idle, most } = host
    const counts = { host: host.name, busy: busy + opening, idle, limit: limit.at(now, most) }
    const health = host.health.isWell ? host.logins.leftAlone(loginOfWay(way)) : host.health
    if (health?.until !== undefined) {
      const until = Math.round(Date.now() + Math.max(0, health.until - now))
      return { ...counts, condition: 'left-alone', reason: health.reason, until }
    }
    if (limit.isLearned(now, most)) return { ...counts, condition: 'full', reason: limit.reason }
    return { ...counts, condition: 'well', reason: '' }
  }

  private forgetOne(): void {
    if (this.hosts.size < this.most) return
    for (const [name, { host, turns, wake }] of this.hosts) {
      if (host.total > 0 || turns.size > 0) continue
      clearTimeout(wake)
      this.hosts.delete(name)
      return
    }
  }
}

/** One line each. */
export function tellNews(log: Log, { host }: KnownHost, news: News | undefined): void {
  switch (news?.kind) {
    case 'left-alone':
      log.warn(`host ${host.name} is left alone for a while: ${news.reason}`)
      break
    case 'answers-again':
      log.notice(`host ${host.name} answers again`)
      break
    case 'login-left-alone':
      log.warn(
        `host ${host.name} is left alone for a while by ${news.place}: ${news.reason}; ` +
          'others who log in there otherwise go on',
      )
      break
    case 'login-works':
      log.notice(`host ${host.name} takes ${news.place} again`)
      break
    case 'full':
      log.notice(`host ${host.name} takes ${news.limit} sessions for now: ${news.reason}`)
      break
    case undefined:
  }
}
