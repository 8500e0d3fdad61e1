/**
 * The sessions with all hosts: the one place that opens them, keeps them for the next message and
 * ends them. What a host may have now is decided in host.ts.
 *
 * Sessions are bounded for each host, whoever they are for, and reused by those of the same identity
 * (TLS policy, login, XCLIENT). Never again is one used after a 421, after 10 refusals of any kind,
 * since hosts count errors in a session, or after 500 messages.
 *
 * A client that waits gets the next free session in turn, as long as its patience lasts. A queue
 * entry does not wait: it hears `NoSessionError`, and is told by `changed` when there is room again.
 */
import { performance } from 'node:perf_hooks'

import type { Log } from '../../config/environment.js'
import { errorText } from '../../basics/error-text.js'
import type { HostState } from '../state.js'
import { formatEndpoint, type Endpoint, type Session } from '../smtp/session.js'
import { HostError } from '../smtp/wire.js'
import type { Attempt } from './health.js'
import { Host, type News, type Opening } from './host.js'
import {
  hostKey,
  identityAt,
  NoSessionError,
  OpeningError,
  sessionRules,
  whyNot,
  type Lease,
  type SessionRules,
  type SessionWish,
} from './lease.js'

interface Turn {
  readonly lines: readonly (readonly [Endpoint, Known])[]
  readonly grant: (known: Known) => boolean
  readonly giveUp: (reason: string) => void
}

interface Known {
  readonly key: string
  readonly host: Host<Session>
  readonly turns: Set<Turn>
  wake?: NodeJS.Timeout | undefined
}

export interface SessionsSetup {
  readonly log: Log
  /** processes of this gateway: a host's sessions are divided among them */
  readonly processes?: number
  readonly rules?: SessionRules
}

export class Sessions {
  /** Called with a host's key when more or fewer sessions may be had with it. */
  changed: (host: string) => void = () => undefined
  private readonly log: Log
  private readonly processes: number
  private readonly rules: SessionRules
  private readonly hosts = new Map<string, Known>()
  private readonly used = new WeakMap<Session, number>()
  private readonly timers = new WeakMap<Session, NodeJS.Timeout>()
  private closed = false

  constructor({ log, processes = 1, rules = sessionRules }: SessionsSetup) {
    this.log = log
    this.processes = processes
    this.rules = rules
  }

  /** A session with one of the hosts. Rejects with NoSessionError or OpeningError. */
  async take(wish: SessionWish): Promise<Lease> {
    let allLeftAlone = true
    const reasons: string[] = []
    for (const endpoint of wish.endpoints) {
      const known = this.know(endpoint, wish)
      // who waits there already comes first
      const lease = known.turns.size === 0 ? this.claim(known, endpoint, wish) : 'full'
      if (typeof lease !== 'string') return lease
      if (lease === 'full') allLeftAlone = false
      reasons.push(`${known.host.name}: ${whyNot(known.host, lease)}`)
    }
    if (!allLeftAlone && wish.patience !== undefined && wish.patience > performance.now()) {
      return this.turn(wish, wish.patience, reasons.join('; '))
    }
    throw new NoSessionError(reasons.join('; ') || 'no host', allLeftAlone)
  }

  /** How many could be had with the host of that key now. */
  room(key: string): number {
    const known = this.hosts.get(key)
    // a host that nothing is known of can be tried
    if (!known) return 1
    return known.turns.size > 0 ? 0 : known.host.room(performance.now())
  }

  isLeftAlone(endpoint: Endpoint): boolean {
    const host = this.hosts.get(hostKey(endpoint))?.host
    return host !== undefined && host.idle === 0 && !host.health.admits(performance.now())
  }

  /** What is known of the host of that key; one that nothing is known of is well. */
  state(key: string): HostState {
    const now = performance.now()
    const host = this.hosts.get(key)?.host
    if (!host) {
      return { host: key, condition: 'well', reason: '', busy: 0, idle: 0, limit: 0 }
    }
    const { health, limit, busy, opening, idle, most } = host
    const counts = { host: host.name, busy: busy + opening, idle, limit: limit.at(now, most) }
    if (health.until !== undefined) {
      const until = Math.round(performance.now() + Math.max(0, health.until - now))
      return { ...counts, condition: 'left-alone', reason: health.reason, until }
    }
    if (limit.isLearned(now, most)) return { ...counts, condition: 'full', reason: limit.reason }
    return { ...counts, condition: 'well', reason: '' }
  }

  /** All hosts that are known now. */
  states(): HostState[] {
    return [...this.hosts.keys()].map((key) => this.state(key))
  }

  /** Ends the idle sessions now and the busy ones after their message. */
  close(): void {
    this.closed = true
    for (const { host, wake } of this.hosts.values()) {
      clearTimeout(wake)
      for (const session of host.withdrawAll()) this.quit(session)
    }
  }

  private claim(
    known: Known,
    endpoint: Endpoint,
    wish: SessionWish,
  ): Promise<Lease> | 'full' | 'left-alone' {
    const identity = identityAt(endpoint, wish)
    const claim = known.host.claim(identity, performance.now(), (session) => this.awake(session))
    switch (claim.kind) {
      case 'idle':
        return Promise.resolve(this.lease(known, endpoint, wish, claim.session, true))
      case 'open':
        return this.openInstead(known, endpoint, wish, claim)
      case 'full':
      case 'left-alone':
        return claim.kind
    }
  }

  /** Opens a session; one that has to make room for it has heard QUIT before. */
  private async openInstead(
    known: Known,
    endpoint: Endpoint,
    wish: SessionWish,
    { attempt, instead }: { readonly attempt: Attempt; readonly instead?: Session },
  ): Promise<Lease> {
    if (instead) {
      clearTimeout(this.timers.get(instead))
      await instead.wire.quit()
    }
    const session = await this.open(known, endpoint, wish, attempt)
    return this.lease(known, endpoint, wish, session, false)
  }

  private async open(
    known: Known,
    endpoint: Endpoint,
    wish: SessionWish,
    attempt: Attempt,
  ): Promise<Session> {
    let result: Opening = { kind: 'abandoned' }
    try {
      const session = await wish.open(endpoint)
      result = { kind: 'ready' }
      return session
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      result = openingOf(error, performance.now() >= wish.until)
      throw new OpeningError(endpoint, error)
    } finally {
      this.tell(known, known.host.settled(attempt, result, performance.now()))
      this.serve(known)
    }
  }

  private lease(
    known: Known,
    endpoint: Endpoint,
    wish: SessionWish,
    first: Session,
    reused: boolean,
  ): Lease {
    const { host } = known
    const identity = identityAt(endpoint, wish)
    let session: Session | undefined = first
    return {
      endpoint,
      host: formatEndpoint(endpoint),
      session: first,
      reused,
      renew: async () => {
        session?.wire.destroy()
        session = undefined
        // others that were idle as long may be as dead
        for (const idle of host.withdrawAll(identity)) this.quit(idle)
        session = await this.open(known, endpoint, wish, host.reopen(performance.now()))
        return session
      },
      end: () => {
        if (session) this.giveBack(known, identity, session)
        session = undefined
        this.serve(known)
      },
    }
  }

  private giveBack(known: Known, identity: string, session: Session): void {
    const { host } = known
    const { wire } = session
    const used = (this.used.get(session) ?? 0) + 1
    this.used.set(session, used)
    const { rules } = this
    const spent =
      wire.isLeaving || wire.refusals >= rules.refusals || used >= rules.messages || this.closed
    if (!wire.usable) {
      host.drop()
      return
    }
    if (wire.early || spent) {
      void this.endBusy(known, session)
      return
    }
    // an idle session keeps no process alive
    wire.keepAlive(false)
    host.keep(identity, session)
    // a full host's sessions are wanted elsewhere too
    const hurry = this.processes > 1 && host.limit.isLearned(performance.now(), host.most)
    const timer = setTimeout(
      () => {
        if (!host.withdraw(session)) return
        this.quit(session)
        this.serve(known)
      },
      hurry ? rules.idle / 10 : rules.idle,
    )
    this.timers.set(session, timer.unref())
  }

  /** To the host a session stands until it has heard QUIT. */
  private async endBusy(known: Known, { wire }: Session): Promise<void> {
    await wire.quit()
    known.host.drop()
    this.serve(known)
  }

  /** Whether an idle session can still be used; then it is not idle any more. */
  private awake(session: Session): boolean {
    clearTimeout(this.timers.get(session))
    const { wire } = session
    if (wire.usable && !wire.early) {
      wire.keepAlive(true)
      return true
    }
    wire.destroy()
    return false
  }

  private quit(session: Session): void {
    clearTimeout(this.timers.get(session))
    if (session.wire.usable) void session.wire.quit()
  }

  /** Waits in the line of each of the hosts; the first one with room serves. */
  private turn(wish: SessionWish, patience: number, reason: string): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const lines = wish.endpoints.map((endpoint) => [endpoint, this.know(endpoint, wish)] as const)
      const leave = (): void => {
        clearTimeout(timer)
        for (const [, { turns }] of lines) turns.delete(turn)
      }
      const giveUp = (why: string, leftAlone: boolean): void => {
        leave()
        reject(new NoSessionError(why, leftAlone))
      }
      const turn: Turn = {
        lines,
        giveUp: (why) => giveUp(why, true),
        grant: (known) => {
          const endpoint = lines.find(([, line]) => line === known)?.[0]
          const lease = endpoint ? this.claim(known, endpoint, wish) : 'full'
          if (typeof lease === 'string') return false
          leave()
          lease.then(resolve, reject)
          return true
        },
      }
      const timer = setTimeout(
        () => giveUp(`expected a free session in time: ${reason}`, false),
        Math.max(0, patience - performance.now()),
      )
      for (const [, { turns }] of lines) turns.add(turn)
    })
  }

  /** Gives what is free to those who wait, the first who came first; then tells of the rest. */
  private serve(known: Known): void {
    const { host, turns } = known
    for (const turn of turns) if (!turn.grant(known)) break
    const now = performance.now()
    // the last session has died: nothing comes free there
    const isGone = (one: Known): boolean => one.host.total === 0 && !one.host.health.isWell
    for (const turn of isGone(known) ? [...turns] : []) {
      if (turn.lines.every(([, line]) => isGone(line))) turn.giveUp(whyNot(host, 'left-alone'))
    }
    clearTimeout(known.wake)
    const at = this.closed ? undefined : host.wakesAt(now)
    if (at !== undefined) {
      known.wake = setTimeout(() => this.serve(known), at - now + 1).unref()
    } else if (turns.size === 0 && host.isForgettable(now)) this.hosts.delete(known.key)
    this.changed(known.key)
  }

  private know(endpoint: Endpoint, { place, maxSessions }: SessionWish): Known {
    const key = hostKey(endpoint)
    let known = this.hosts.get(key)
    if (!known) {
      this.forgetOne()
      const host = new Host<Session>(formatEndpoint(endpoint), undefined, this.processes > 1)
      known = { key, host, turns: new Set() }
      this.hosts.set(key, known)
    }
    known.host.allow(place, Math.max(1, Math.floor(maxSessions / this.processes)))
    return known
  }

  /** Hosts of made-up domains must not fill the memory. */
  private forgetOne(): void {
    if (this.hosts.size < this.rules.hosts) return
    for (const [name, { host, turns, wake }] of this.hosts) {
      if (host.total > 0 || turns.size > 0) continue
      clearTimeout(wake)
      this.hosts.delete(name)
      return
    }
  }

  private tell({ host }: Known, news: News | undefined): void {
    switch (news?.kind) {
      case 'left-alone':
        this.log.warn(`host ${host.name} is left alone for a while: ${news.reason}`)
        break
      case 'answers-again':
        this.log.notice(`host ${host.name} answers again`)
        break
      case 'full':
        this.log.notice(`host ${host.name} takes ${news.limit} sessions for now: ${news.reason}`)
        break
      case undefined:
    }
  }
}

/** What an opening that failed says of the host. */
function openingOf(error: HostError, gaveUp: boolean): Opening {
  const reason = errorText(error)
  if (gaveUp) return { kind: 'abandoned' }
  const { phase, reply } = error
  const refused = phase === 'connect' || (phase === 'greeting' && (!reply || reply.code < 500))
  return refused ? { kind: 'no', reason, answers: reply !== undefined } : { kind: 'failed', reason }
}
