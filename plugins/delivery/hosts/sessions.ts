/**
 * The sessions with all hosts: the one place that opens them, gives them out and takes them back. What a
 * host may have now is decided in host.ts, what becomes of a session between messages in session-rest.ts.
 *
 * Sessions are bounded for each host, whoever they are for, and reused by those of the same identity
 * (TLS policy, login, XCLIENT).
 *
 * A client waits in turn for a session, as long as its patience lasts. A queue entry does not: it hears
 * `NoSessionError`, and is told by `changed` when there is room again.
 */
import { performance } from 'node:perf_hooks'

import type { Log } from '../../config/environment.js'
import { errorText } from '../../basics/error-text.js'
import type { HostState } from '../state.js'
import { formatEndpoint, type Endpoint, type Session } from '../smtp/session.js'
import { HostError } from '../smtp/wire.js'
import type { Attempt } from './health.js'
import type { Opening } from './host.js'
import { HostTable, tellNews, type KnownHost } from './host-table.js'
import {
  hostKey,
  hostOfWay,
  identityAt,
  loginOfWay,
  NoSessionError,
  OpeningError,
  sessionRules,
  whyNot,
  type Lease,
  type SessionRules,
  type SessionWish,
} from './lease.js'
import { SessionRest } from './session-rest.js'
import type { Share, SharedRefusal } from './shared-limit.js'
import { serveLine, waitInLine } from './waiting-line.js'

export interface SessionsSetup {
  readonly log: Log
  /** processes of this gateway: a host's sessions are divided among them */
  readonly processes?: number
  readonly rules?: SessionRules
}

/** What the other processes of this gateway hear of a host; see shared-limit.ts. */
export interface OtherProcesses {
  /** it refused one more session */
  refused(host: string, refusal: SharedRefusal): void
  /** this process has given back one that it had too many */
  freed(host: string): void
}

export class Sessions {
  /** Called with a host's key when more or fewer sessions may be had with it. */
  changed: (host: string) => void = () => undefined
  /** absent: there is one process */
  others: OtherProcesses | undefined
  private readonly log: Log
  private readonly processes: number
  private readonly hosts: HostTable
  private readonly rest: SessionRest
  private closed = false

  constructor({ log, processes = 1, rules = sessionRules }: SessionsSetup) {
    this.log = log
    this.processes = processes
    this.hosts = new HostTable(processes, rules.hosts)
    this.rest = new SessionRest(rules)
  }

  /** A session with one of the hosts. Rejects with NoSessionError or OpeningError. */
  async take(wish: SessionWish): Promise<Lease> {
    let allLeftAlone = true
    const reasons: string[] = []
    for (const endpoint of wish.endpoints) {
      const known = this.hosts.know(endpoint, wish)
      // who waits there already comes first
      const lease = known.turns.size === 0 ? this.claim(known, endpoint, wish) : 'full'
      if (typeof lease !== 'string') return await lease
      if (lease === 'full') allLeftAlone = false
      reasons.push(`${known.host.name}: ${whyNot(known.host, lease, wish.login)}`)
    }
    const reason = reasons.join('; ')
    if (!allLeftAlone && wish.patience !== undefined && wish.patience > performance.now()) {
      const lines = wish.endpoints.map((one) => [one, this.hosts.know(one, wish)] as const)
      const claim = (known: KnownHost, endpoint: Endpoint): ReturnType<typeof this.claim> =>
        this.claim(known, endpoint, wish)
      return waitInLine(lines, wish, { claim, reason })
    }
    throw new NoSessionError(reason || 'no host', allLeftAlone)
  }

  /** How many could be had with the host of that key now. */
  room(key: string): number {
    const known = this.hosts.get(key)
    // a host that nothing is known of can be tried
    if (!known) return 1
    return known.turns.size > 0 ? 0 : known.host.room(performance.now())
  }

  /** Whether the way's login is not what keeps mail from its host. */
  admits(way: string): boolean {
    const host = this.hosts.get(hostOfWay(way))?.host
    return host?.logins.admits(loginOfWay(way) ?? '', performance.now()) ?? true
  }

  isLeftAlone(endpoint: Endpoint, login: string): boolean {
    const host = this.hosts.get(hostKey(endpoint))?.host
    if (!host || host.idle > 0) return false
    const now = performance.now()
    return !host.health.admits(now) || !host.logins.admits(login, now)
  }

  /** Of a way or a host; see host-table.ts. */
  state(way: string): HostState {
    return this.hosts.state(way)
  }

  states(): HostState[] {
    return this.hosts.all().map(({ key }) => this.state(key))
  }

  /** Sessions that stand with the host of that key, and those that are being opened. */
  openWith(key: string): { readonly open: number; readonly opening: number } {
    const host = this.hosts.get(key)?.host
    host?.forgetDead(isAlive)
    const { busy = 0, idle = 0, opening = 0 } = host ?? {}
    return { open: busy + idle, opening }
  }

  /** What all processes of this gateway have learned of the host, and the share of this one. */
  useShare(key: string, share: Share): void {
    const known = this.hosts.useShare(key, share)
    if (!known) return
    this.endSurplus(known)
    this.serve(known)
  }

  /** Ends the idle sessions now and the busy ones after their message. */
  close(): void {
    this.closed = true
    for (const { host, wake } of this.hosts.all()) {
      clearTimeout(wake)
      for (const session of host.withdrawAll()) void this.rest.quit(session)
    }
  }

  private claim(
    known: KnownHost,
    endpoint: Endpoint,
    wish: SessionWish,
  ): Lease | Promise<Lease> | 'full' | 'left-alone' {
    const identity = identityAt(endpoint, wish)
    const usable = (session: Session): boolean => this.rest.awake(session)
    const claim = known.host.claim(identity, performance.now(), usable, wish)
    switch (claim.kind) {
      case 'idle':
        return this.lease(known, endpoint, wish, [claim.session, true])
      case 'open':
        return this.openInstead(known, endpoint, wish, claim)
      case 'full':
      case 'left-alone':
        return claim.kind
    }
  }

  /** Opens a session; one that has to make room for it has heard QUIT before. */
  private async openInstead(
    known: KnownHost,
    endpoint: Endpoint,
    wish: SessionWish,
    { attempt, instead }: { readonly attempt: Attempt; readonly instead?: Session },
  ): Promise<Lease> {
    if (instead) await this.rest.quit(instead)
    const session = await this.open(known, endpoint, wish, attempt)
    return this.lease(known, endpoint, wish, [session, false])
  }

  private async open(
    known: KnownHost,
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
      const { host, key } = known
      host.forgetDead(isAlive)
      tellNews(this.log, known, host.settled(attempt, result, performance.now(), wish.place))
      const { lesson = 0 } = attempt
      if (result.kind === 'no') {
        this.others?.refused(key, { most: host.most, reason: result.reason, lesson })
      }
      this.serve(known)
    }
  }

  private lease(
    known: KnownHost,
    endpoint: Endpoint,
    wish: SessionWish,
    [first, reused]: readonly [Session, boolean],
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
        for (const idle of host.withdrawAll(identity)) void this.rest.quit(idle)
        session = await this.open(known, endpoint, wish, host.reopen(performance.now(), wish))
        return session
      },
      end: () => {
        if (session) this.giveBack(known, identity, session)
        session = undefined
        this.serve(known)
      },
    }
  }

  private giveBack(known: KnownHost, identity: string, session: Session): void {
    const { host } = known
    const now = performance.now()
    if (!session.wire.usable) {
      this.drop(known)
      return
    }
    if (this.rest.isSpent(session) || this.closed || host.hasTooMany(now)) {
      void this.endBusy(known, session)
      return
    }
    host.keep(identity, session)
    // a full host's sessions are wanted elsewhere too
    const hurry = this.processes > 1 && host.limit.isLearned(now, host.most)
    this.rest.begin(session, hurry, () => {
      if (!host.withdraw(session)) return
      void this.rest.quit(session)
      this.serve(known)
    })
  }

  /** What this process has too many goes back to the others, the idle ones first. */
  private endSurplus(known: KnownHost): void {
    for (const session of known.host.withdrawSurplus(performance.now())) {
      void this.endBusy(known, session)
    }
  }

  /** To the host a session stands until it has heard QUIT. */
  private async endBusy(known: KnownHost, session: Session): Promise<void> {
    await this.rest.quit(session)
    this.drop(known)
    this.serve(known)
  }

  private drop({ key, host }: KnownHost): void {
    const tooMany = host.hasTooMany(performance.now())
    host.drop()
    if (tooMany) this.others?.freed(key)
  }

  /** Gives what is free to those who wait; then tells of the rest. */
  private serve(known: KnownHost): void {
    const { host, turns, key } = known
    serveLine(known)
    const now = performance.now()
    clearTimeout(known.wake)
    const at = this.closed ? undefined : host.wakesAt(now)
    if (at !== undefined) {
      known.wake = setTimeout(() => this.serve(known), at - now + 1).unref()
    } else if (turns.size === 0 && host.isForgettable(now)) this.hosts.forget(key)
    this.changed(key)
  }
}

const isAlive = ({ wire }: Session): boolean => wire.usable

/** What an opening that failed says: up to the greeting of the host, from then on of the login. */
function openingOf(error: HostError, gaveUp: boolean): Opening {
  const reason = errorText(error)
  if (gaveUp) return { kind: 'abandoned' }
  const { phase, reply } = error
  const isHost = phase === 'connect' || phase === 'greeting'
  return isHost ? { kind: 'no', reason, answers: reply !== undefined } : { kind: 'failed', reason }
}
