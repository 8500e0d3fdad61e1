/**
 * The logins at one host: several places may use it, each with its own password, certificate or demands
 * on TLS. What a host refuses after its greeting (TLS, AUTH, EHLO with a name) speaks of the login and
 * not of the host, so a wrong password of one connector leaves the mail of the others alone.
 *
 * Each login is judged as a host is (health.ts). One that nothing is known of is well. Pure: the clock is
 * passed in, in milliseconds.
 */
import { HostHealth, type Attempt } from './health.js'

const most = 1000

export class Logins {
  private readonly unwell = new Map<string, HostHealth>()

  /** Whether a session may be opened with it now. */
  admits(login: string, now: number): boolean {
    return this.unwell.get(login)?.admits(now) ?? true
  }

  /** Why it is left alone; empty: it is not. */
  reason(login: string): string {
    return this.unwell.get(login)?.reason ?? ''
  }

  /** That login, or whichever has to wait; undefined: none. */
  leftAlone(login?: string): HostHealth | undefined {
    if (login !== undefined) return this.unwell.get(login)
    return this.unwell.values().next().value
  }

  begin(login: string, now: number): Attempt {
    return this.unwell.get(login)?.begin(now) ?? { since: now, probe: false }
  }

  /** Answers whether it had been left alone. */
  ready(login: string): boolean {
    return this.unwell.delete(login)
  }

  /** Answers whether it was well until now. */
  failed(login: string, attempt: Attempt, now: number, reason: string): boolean {
    const health = this.unwell.get(login) ?? new HostHealth()
    if (this.unwell.size >= most) this.unwell.delete([...this.unwell.keys()][0] ?? '')
    this.unwell.set(login, health)
    return health.failed(attempt, now, reason)
  }

  abandoned(login: string, attempt: Attempt): void {
    this.unwell.get(login)?.abandoned(attempt)
  }
}
