/**
 * One host: who may have a session with it now. It decides, and counts what is open; the sockets are
 * elsewhere (sessions.ts). Pure but for the clock that is passed in.
 *
 *   idle        a session of the same identity is at hand
 *   open        one may be opened; if need be, an idle one of another identity ends first
 *   full        as many are open as the host takes, or as the configuration allows
 *   left alone  no session could be opened lately, with it or with this login (logins.ts)
 *
 * A refusal to open one more is judged when all that are being opened have settled: if some stand, the
 * host is full and they are its limit; if none does, it is failing.
 */
import { HostHealth, type Attempt } from './health.js'
import { Logins } from './logins.js'
import { SessionLimit } from './session-limit.js'
import type { Share } from './shared-limit.js'

export type Claim<S> =
  | { readonly kind: 'idle'; readonly session: S }
  | { readonly kind: 'open'; readonly attempt: Attempt; readonly instead?: S }
  | { readonly kind: 'full' | 'left-alone' }

/** What came of an attempt to open a session. */
export type Opening =
  | { readonly kind: 'ready' }
  /** it takes no more, or does not answer: which of the two, the others tell */
  | { readonly kind: 'no'; readonly reason: string; readonly answers: boolean }
  /** it has greeted, but does not go on with us: TLS, the password, EHLO */
  | { readonly kind: 'failed'; readonly reason: string }
  /** given up by us */
  | { readonly kind: 'abandoned' }

/** What there is to tell the administrator. */
export type News =
  | { readonly kind: 'left-alone'; readonly reason: string; readonly until: number }
  | { readonly kind: 'answers-again' }
  /** by those who log in as this place does */
  | { readonly kind: 'login-left-alone'; readonly place: string; readonly reason: string }
  | { readonly kind: 'login-works'; readonly place: string }
  | { readonly kind: 'full'; readonly limit: number; readonly reason: string }

/** Who wants the session: the place, and how it logs in. */
export interface Claimant {
  readonly place: string
  /** equal for those whom the host cannot tell apart */
  readonly login: string
}

const anyone: Claimant = { place: '', login: '' }

// sessions of another process of ours may be what fills it
const longestWhenShared = 10_000
const clearAfter = 60_000

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
  readonly logins = new Logins()
  readonly limit = new SessionLimit()
  /** sessions that carry something now */
  busy = 0
  opening = 0
  private readonly idles: Idle<S>[] = []
  /** place → the sessions it allows */
  private readonly allowed = new Map<string, number>()
  private refusal: Refusal | undefined
  private readonly shared: boolean
  private lesson = 0
  private clearedAt = Number.NEGATIVE_INFINITY

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
  claim(
    identity: string,
    now: number,
    usable: (session: S) => boolean,
    { login }: Claimant = anyone,
  ): Claim<S> {
    for (let at = this.idles.length - 1; at >= 0; at--) {
      const idle = this.idles[at]
      if (idle?.identity !== identity) continue
      this.idles.splice(at, 1)
      if (!usable(idle.session)) continue
      this.busy++
      return { kind: 'idle', session: idle.session }
    }
    if (this.refusal) return { kind: 'full' }
    if (!this.health.admits(now) || !this.logins.admits(login, now)) return { kind: 'left-alone' }
    if (this.total < this.limit.at(now, this.most)) return this.opened(now, login)
    // who has more than he may gives back, and opens none instead
    if (this.hasTooMany(now)) return { kind: 'full' }
    const other = this.idles.shift()
    return other ? { ...this.opened(now, login), instead: other.session } : { kind: 'full' }
  }

  /** What came of an opening; the attempt's session, if it is ready, is busy now. */
  settled(attempt: Attempt, result: Opening, now: number, place = anyone.place): News | undefined {
    this.opening--
    const login = attempt.login ?? { name: anyone.login, attempt }
    if (result.kind === 'no' || result.kind === 'abandoned') {
      this.logins.abandoned(login.name, login.attempt)
    }
    switch (result.kind) {
      case 'ready': {
        this.busy++
        const again = this.health.ready()
        const works = this.logins.ready(login.name)
        if (again) return this.judged(now) ?? { kind: 'answers-again' }
        if (works) return this.judged(now) ?? { kind: 'login-works', place }
        break
      }
      case 'no':
        // the probe is alone, and the first of several knows no more than the last
        if (!this.refusal || attempt.since > this.refusal.attempt.since) {
          this.refusal = { attempt, reason: result.reason, answers: result.answers }
        }
        break
      case 'failed': {
        // it has greeted
        const again = this.health.ready()
        const { reason } = result
        const first = this.logins.failed(login.name, login.attempt, now, reason)
        const news: News | undefined = first
          ? { kind: 'login-left-alone', place, reason }
          : again
            ? { kind: 'answers-again' }
            : undefined
        return this.judged(now) ?? news
      }
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
  reopen(now: number, { login }: Claimant = anyone): Attempt {
    this.busy--
    return this.opened(now, login).attempt
  }

  /** Takes idle sessions out, as many as there are too many of all; they count until they have ended. */
  withdrawSurplus(now: number): S[] {
    const surplus = Math.max(0, this.total - this.limit.at(now, this.most))
    const taken = this.idles.splice(0, surplus)
    this.busy += taken.length
    return taken.map(({ session }) => session)
  }

  hasTooMany(now: number): boolean {
    return this.total > this.limit.at(now, this.most)
  }

  /** What all processes have learned, and the share of this one. */
  useShare({ share, reason, forAll, lesson = 0 }: Share, now: number): void {
    this.lesson = lesson
    if (share === undefined) {
      this.limit.forgetShare()
      return
    }
    this.limit.tell(share, now, reason)
    // it was full of the others' sessions; not again and again
    if (!forAll || this.health.isWell || now - this.clearedAt < clearAfter) return
    this.clearedAt = now
    this.health.ready()
  }

  /** Takes an idle session out; false: it is not idle any more. */
  withdraw(session: S): boolean {
    const at = this.idles.findIndex((idle) => idle.session === session)
    if (at !== -1) this.idles.splice(at, 1)
    return at !== -1
  }

  /** Those that have died while they were idle stand no more: they say nothing of a host that refuses. */
  forgetDead(isAlive: (session: S) => boolean): void {
    const alive = this.idles.filter(({ session }) => isAlive(session))
    this.idles.splice(0, this.idles.length, ...alive)
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
    const isWell = this.health.isWell && this.logins.leftAlone() === undefined
    return this.total === 0 && isWell && !this.limit.isLearned(now, this.most)
  }

  private opened(now: number, name: string): { kind: 'open'; attempt: Attempt } {
    this.opening++
    const login = { name, attempt: this.logins.begin(name, now) }
    return { kind: 'open', attempt: { ...this.health.begin(now), lesson: this.lesson, login } }
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
