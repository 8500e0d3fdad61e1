/**
 * One host: who may have a session with it now. It decides, and counts what is open; the sockets are
 * elsewhere (sessions.ts). Pure but for the clock that is passed in.
 *
 *   idle        a session of the same identity is at hand
 *   open        one may be opened; if need be, an idle one of another identity ends first
 *   full        as many are open as the host takes, or as the configuration allows
 *   left alone  its last session did not become ready
 *
 * A refusal to open one more is judged when all that are being opened have settled: if some stand, the
 * host is full and they are its limit; if none does, it is failing.
 */
import { HostHealth, type Attempt } from './health.js'
import { SessionLimit } from './session-limit.js'

export type Claim<S> =
  | { readonly kind: 'idle'; readonly session: S }
  | { readonly kind: 'open'; readonly attempt: Attempt; readonly instead?: S }
  | { readonly kind: 'full' | 'left-alone' }

/** What came of an attempt to open a session. */
export type Opening =
  | { readonly kind: 'ready' }
  /** it takes no more, or does not answer: which of the two, the others tell */
  | { readonly kind: 'no'; readonly reason: string; readonly answers: boolean }
  /** it answers, but wrongly: TLS, the password, EHLO */
  | { readonly kind: 'failed'; readonly reason: string }
  /** given up by us */
  | { readonly kind: 'abandoned' }

/** What there is to tell the administrator. */
export type News =
  | { readonly kind: 'left-alone'; readonly reason: string; readonly until: number }
  | { readonly kind: 'answers-again' }
  | { readonly kind: 'full'; readonly limit: number; readonly reason: string }

// sessions of another process of ours may be what fills it
const longestWhenShared = 10_000

interface Refusal {
  readonly attempt: Attempt
  readonly reason: string
  /** it said no, as opposed to nothing */
  readonly answers: boolean
}

interface Idle<S> {
  readonly identity: string
  readonly session: S
}

export class Host<S> {
  readonly name: string
  readonly health: HostHealth
  readonly limit = new SessionLimit()
  /** sessions that carry something now */
  busy = 0
  opening = 0
  private readonly idles: Idle<S>[] = []
  /** place → the sessions it allows */
  private readonly allowed = new Map<string, number>()
  private refusal: Refusal | undefined
  private readonly shared: boolean

  /** `shared`: other processes of this gateway have sessions with it too. */
  constructor(name: string, health = new HostHealth(), shared = false) {
    this.name = name
    this.health = health
    this.shared = shared
  }

  get idle(): number {
    return this.idles.length
  }

  get total(): number {
    return this.busy + this.opening + this.idles.length
  }

  /** The least that a place which uses the host allows. */
  get most(): number {
    return Math.min(...this.allowed.values())
  }

  allow(place: string, sessions: number): void {
    this.allowed.set(place, sessions)
  }

  /** A session for that identity, or leave to open one. `usable` is asked of idle ones. */
  claim(identity: string, now: number, usable: (session: S) => boolean): Claim<S> {
    for (let at = this.idles.length - 1; at >= 0; at--) {
      const idle = this.idles[at]
      if (idle?.identity !== identity) continue
      this.idles.splice(at, 1)
      if (!usable(idle.session)) continue
      this.busy++
      return { kind: 'idle', session: idle.session }
    }
    if (this.refusal) return { kind: 'full' }
    if (!this.health.admits(now)) return { kind: 'left-alone' }
    if (this.total < this.limit.at(now, this.most)) return this.opened(now)
    const other = this.idles.shift()
    return other ? { ...this.opened(now), instead: other.session } : { kind: 'full' }
  }

  /** What came of an opening; the attempt's session, if it is ready, is busy now. */
  settled(attempt: Attempt, result: Opening, now: number): News | undefined {
    this.opening--
    switch (result.kind) {
      case 'ready':
        this.busy++
        if (this.health.ready()) return this.judged(now) ?? { kind: 'answers-again' }
        break
      case 'no':
        // the probe is alone, and the first of several knows no more than the last
        if (!this.refusal || attempt.since > this.refusal.attempt.since) {
          this.refusal = { attempt, reason: result.reason, answers: result.answers }
        }
        break
      case 'failed':
        return this.leave(attempt, now, result.reason) ?? this.judged(now)
      case 'abandoned':
        this.health.abandoned(attempt)
        break
    }
    return this.judged(now)
  }

  /** The work is done, and the session good for more of its identity's. */
  keep(identity: string, session: S): void {
    this.busy--
    this.idles.push({ identity, session })
  }

  /** The work is done, and the session with it. */
  drop(): void {
    this.busy--
  }

  /** Another session is opened in the place of a busy one that is over. */
  reopen(now: number): Attempt {
    this.busy--
    this.opening++
    return this.health.begin(now)
  }

  /** Takes an idle session out; false: it is not idle any more. */
  withdraw(session: S): boolean {
    const at = this.idles.findIndex((idle) => idle.session === session)
    if (at !== -1) this.idles.splice(at, 1)
    return at !== -1
  }

  /** Takes every idle session out, or those of an identity. */
  withdrawAll(identity?: string): S[] {
    const taken = this.idles.filter((idle) => identity === undefined || idle.identity === identity)
    for (const idle of taken) this.idles.splice(this.idles.indexOf(idle), 1)
    return taken.map(({ session }) => session)
  }

  /** How many claims would be granted now. */
  room(now: number): number {
    if (this.refusal) return this.idles.length
    if (!this.health.isWell) return this.idles.length + (this.health.admits(now) ? 1 : 0)
    return Math.max(0, this.limit.at(now, this.most) - this.busy - this.opening)
  }

  /** When something may change without a session: the time to try again, the next one more. */
  wakesAt(now: number): number | undefined {
    const { until } = this.health
    if (until !== undefined && until > now) return until
    return this.limit.nextRaise(now, this.most)
  }

  isForgettable(now: number): boolean {
    return this.total === 0 && this.health.isWell && !this.limit.isLearned(now, this.most)
  }

  private opened(now: number): { kind: 'open'; attempt: Attempt } {
    this.opening++
    return { kind: 'open', attempt: this.health.begin(now) }
  }

  /** Judges the refusals of a burst when its last attempt has settled. */
  private judged(now: number): News | undefined {
    if (!this.refusal || this.opening > 0) return undefined
    const { attempt, reason, answers } = this.refusal
    this.refusal = undefined
    const open = this.busy + this.idles.length
    if (open === 0) {
      return this.leave(
        attempt,
        now,
        reason,
        this.shared && answers ? longestWhenShared : undefined,
      )
    }
    this.health.abandoned(attempt)
    const changed = this.limit.refused(open, now, this.most, reason)
    return changed ? { kind: 'full', limit: this.limit.at(now, this.most), reason } : undefined
  }

  private leave(attempt: Attempt, now: number, reason: string, longest?: number): News | undefined {
    // what was learned while it was dying says nothing of it when it is back
    this.limit.forget()
    const first = this.health.failed(attempt, now, reason, longest)
    return first ? { kind: 'left-alone', reason, until: this.health.until ?? now } : undefined
  }
}
