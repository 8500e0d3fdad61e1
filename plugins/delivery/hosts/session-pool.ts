/**
 * Sessions that are used again: bounded in number, in idle time and in messages. Sessions with the
 * same key are the same to a message: one host, one TLS policy, one user.
 *
 * When all of a key's sessions are busy, a message waits for one in turn, as long as its patience
 * lasts; then `BusyError`, which says nothing against the host.
 */
import type { Session } from '../smtp/session.js'

export class BusyError extends Error {
  override readonly name = 'BusyError'
}

export interface PoolLimits {
  /** sessions of one key at a time */
  readonly sessions: number
  /** milliseconds */
  readonly idle: number
  /** messages over one session */
  readonly messages: number
}

export const poolLimits: PoolLimits = { sessions: 32, idle: 15_000, messages: 500 }

interface Idle {
  readonly session: Session
  readonly timer: NodeJS.Timeout
}

interface Host {
  /** sessions in use or being opened */
  busy: number
  readonly idle: Idle[]
  /** those with a client that waits come first */
  readonly urgent: (() => void)[]
  readonly waiting: (() => void)[]
}

/** How long a message waits for a session, and before whom. */
export interface Patience {
  /** milliseconds since 1970 */
  readonly until: number
  readonly urgent: boolean
}

export class SessionPool {
  private readonly limits: PoolLimits
  private readonly hosts = new Map<string, Host>()
  private readonly messages = new WeakMap<Session, number>()
  private closed = false

  constructor(limits: PoolLimits = poolLimits) {
    this.limits = limits
  }

  /**
   * Has `work` done with a session: an idle one, or a new one from `open`. `reused` tells which, since
   * the host may have closed an idle one unseen.
   */
  async use<T>(
    key: string,
    open: () => Promise<Session>,
    patience: Patience,
    work: (session: Session, reused: boolean) => Promise<T>,
  ): Promise<T> {
    const host = this.host(key)
    // whoever ends hands his place to the one who waits
    if (host.busy >= this.limits.sessions) await turn(host, patience)
    else host.busy++
    let session: Session | undefined
    try {
      session = this.takeIdle(host)
      const reused = session !== undefined
      session ??= await open()
      return await work(session, reused)
    } catch (error) {
      session?.wire.destroy()
      throw error
    } finally {
      if (session) this.giveBack(key, host, session)
      const next = host.urgent.shift() ?? host.waiting.shift()
      if (next) next()
      else host.busy--
      this.forgetUnused(key, host)
    }
  }

  /** Ends the idle sessions of a key: the host has gone away, or its settings have changed. */
  dropIdle(key: string): void {
    for (const { session, timer } of this.hosts.get(key)?.idle.splice(0) ?? []) {
      clearTimeout(timer)
      session.wire.destroy()
    }
  }

  /** Open sessions, by key. */
  stats(): Record<string, { busy: number; idle: number; waiting: number }> {
    return Object.fromEntries(
      [...this.hosts].map(([key, { busy, idle, urgent, waiting }]) => {
        return [key, { busy, idle: idle.length, waiting: urgent.length + waiting.length }]
      }),
    )
  }

  /** Ends the idle sessions now and the busy ones after their message. */
  close(): void {
    this.closed = true
    for (const key of this.hosts.keys()) this.dropIdle(key)
  }

  private host(key: string): Host {
    const known = this.hosts.get(key)
    if (known) return known
    const host: Host = { busy: 0, idle: [], urgent: [], waiting: [] }
    this.hosts.set(key, host)
    return host
  }

  private takeIdle(host: Host): Session | undefined {
    for (let idle = host.idle.pop(); idle; idle = host.idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.session.wire.usable && !idle.session.wire.early) {
        idle.session.wire.keepAlive(true)
        return idle.session
      }
      idle.session.wire.destroy()
    }
    return undefined
  }

  private forgetUnused(key: string, host: Host): void {
    if (host.busy === 0 && host.idle.length === 0) this.hosts.delete(key)
  }

  private giveBack(key: string, host: Host, session: Session): void {
    const { wire } = session
    const used = (this.messages.get(session) ?? 0) + 1
    this.messages.set(session, used)
    if (!wire.usable) return
    if (this.closed || wire.early || used >= this.limits.messages) {
      quit(session)
      return
    }
    // an idle session keeps no process alive
    wire.keepAlive(false)
    const timer = setTimeout(() => {
      const at = host.idle.findIndex((idle) => idle.session === session)
      if (at !== -1) host.idle.splice(at, 1)
      this.forgetUnused(key, host)
      quit(session)
    }, this.limits.idle)
    timer.unref()
    host.idle.push({ session, timer })
  }
}

function turn(host: Host, { until, urgent }: Patience): Promise<void> {
  const line = urgent ? host.urgent : host.waiting
  return new Promise((resolve, reject) => {
    const granted = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(
      () => {
        line.splice(line.indexOf(granted), 1)
        reject(new BusyError('expected a free session to the host in time'))
      },
      Math.max(0, until - Date.now()),
    )
    line.push(granted)
  })
}

/** Says QUIT as RFC 5321 4.1.1.10 asks, and does not wait long for the answer. */
function quit(session: Session): void {
  const { wire } = session
  wire.send('QUIT')
  wire.read('QUIT', 1000).then(
    () => wire.destroy(),
    () => wire.destroy(),
  )
}
