/**
 * What a fault server remembers beyond one session: who is connected, how many were sent away, and
 * which recipient has come when. Tests read it; the limits are judged by it.
 */
import type { Envelope, TakenMessage } from './fault-script.js'

export class HostMemory {
  /** connections, those sent away included */
  connections = 0
  /** connections that were greeted with 220, in all, now and the most at once */
  sessions = 0
  open = 0
  peak = 0
  /** connections that were sent away because there were too many */
  refused = 0
  /** by performance.now(), when each of those came */
  readonly refusedAt: number[] = []
  /** sessions that were ended for their errors */
  tooManyErrors = 0
  /** every command line */
  readonly commands: string[] = []
  /** RCPT: how often each address was asked for, and by performance.now() when */
  readonly asked = new Map<string, number[]>()
  /** what was taken in whole and answered with 2xx; and what was taken in whole at all */
  readonly messages: TakenMessage[] = []
  readonly seen: TakenMessage[] = []
  private readonly byAddress = new Map<string, number>()
  private readonly firstSeen = new Map<string, number>()

  /** Whether one more session from the address fits; it counts from here on. */
  enter(address: string, limit: number | undefined): boolean {
    const own = this.byAddress.get(address) ?? 0
    if (limit !== undefined && own >= limit) {
      this.refused++
      this.refusedAt.push(performance.now())
      return false
    }
    this.byAddress.set(address, own + 1)
    this.sessions++
    this.open++
    this.peak = Math.max(this.peak, this.open)
    return true
  }

  leave(address: string): void {
    this.open--
    this.byAddress.set(address, (this.byAddress.get(address) ?? 1) - 1)
  }

  ask(address: string): void {
    const times = this.asked.get(address) ?? []
    times.push(performance.now())
    this.asked.set(address, times)
  }

  /** Greylisting: whether the address is still to wait, `wait` milliseconds from its first time on. */
  isNew(address: string, wait: number): boolean {
    const now = performance.now()
    const first = this.firstSeen.get(address) ?? now
    this.firstSeen.set(address, first)
    return now - first < wait
  }

  /** When each copy of each recipient came, by performance.now(). */
  get arrivals(): ReadonlyMap<string, readonly number[]> {
    const times = new Map<string, number[]>()
    for (const { to, at } of this.messages) {
      for (const address of to) times.set(address, [...(times.get(address) ?? []), at])
    }
    return times
  }

  /** Forgets messages, commands and counts; who is connected stays. */
  clear(): void {
    for (const list of [this.messages, this.seen, this.commands, this.refusedAt]) list.length = 0
    this.asked.clear()
    this.firstSeen.clear()
    Object.assign(this, { connections: 0, sessions: 0, refused: 0, tooManyErrors: 0 })
    this.peak = this.open
  }
}

/** Every recipient of the messages, in their order. */
export function recipientsOf(messages: readonly Envelope[]): string[] {
  return messages.flatMap(({ to }) => to)
}
