/**
 * What becomes of a session between two messages: how often it has been used, how long it may be idle,
 * and its end. Never again is one used after a 421, after 10 refusals of any kind, since hosts count
 * errors in a session, or after 500 messages. An idle session keeps no process alive.
 */
import type { Session } from '../smtp/session.js'
import type { SessionRules } from './lease.js'

export class SessionRest {
  private readonly rules: SessionRules
  private readonly used = new WeakMap<Session, number>()
  private readonly timers = new WeakMap<Session, NodeJS.Timeout>()

  constructor(rules: SessionRules) {
    this.rules = rules
  }

  /** After a message: whether it carries no more. Counts the message. */
  isSpent(session: Session): boolean {
    const { wire } = session
    const used = (this.used.get(session) ?? 0) + 1
    this.used.set(session, used)
    const { refusals, messages } = this.rules
    return wire.isLeaving || wire.refusals >= refusals || used >= messages || !!wire.early
  }

  /** It is idle now; `over` is called when it has been so long enough. In a hurry: a tenth of that. */
  begin(session: Session, hurry: boolean, over: () => void): void {
    session.wire.keepAlive(false)
    const { idle } = this.rules
    this.timers.set(session, setTimeout(over, hurry ? idle / 10 : idle).unref())
  }

  /** Whether an idle session can still be used; then it is not idle any more. */
  awake(session: Session): boolean {
    clearTimeout(this.timers.get(session))
    const { wire } = session
    if (wire.usable && !wire.early) {
      wire.keepAlive(true)
      return true
    }
    wire.destroy()
    return false
  }

  /** Ends an idle session; settles when the host has heard it. */
  async quit(session: Session): Promise<void> {
    clearTimeout(this.timers.get(session))
    if (session.wire.usable) await session.wire.quit()
  }
}
