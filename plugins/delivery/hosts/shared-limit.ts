/**
 * The limit of a host that several processes of this gateway have sessions with. One of them is refused;
 * what all of them have open at that moment is what the host takes. It is divided among them evenly, as
 * `max_sessions` is, and each has at least one.
 *
 * A process that has more open than its share gives it back after its messages; until it has, those that
 * are to get it wait, so that together there are never more than the limit. Pure: times are in
 * milliseconds, passed in.
 */
import { SessionLimit } from './session-limit.js'

/** A process, and the sessions that it has open with the host, or is opening. */
export interface Holder {
  readonly pid: number
  readonly open: number
  readonly opening: number
}

/** What a process tells of a host that took no more. */
export interface SharedRefusal {
  /** how many it may have by the configuration */
  readonly most: number
  readonly reason: string
  /** the last one that it had heard when it asked */
  readonly lesson: number
}

/** What a process is told of a host. */
export interface Share {
  /** sessions that it may have; absent: as many as the configuration allows */
  readonly share?: number
  readonly reason: string
  /** there is enough for each process: who was refused without a session of its own was not failed */
  readonly forAll: boolean
  /** counts what was learned of hosts: who was let in before the last one can be refused for that once more */
  readonly lesson?: number
}

export class SharedLimit {
  private readonly limit = new SessionLimit()

  /** When it will be one more; undefined: it is not learned. `most`: what is allowed in all. */
  nextRaise(now: number, most: number): number | undefined {
    return this.limit.nextRaise(now, most)
  }

  /** The host refused one of them. Nobody has a session: it is failing, and no limit is known. */
  refused(holders: readonly Holder[], now: number, most: number, reason: string): void {
    const open = total(holders)
    if (open === 0) this.limit.forget()
    else this.limit.refused(open, now, most, reason)
  }

  /** What each process is to be told now. */
  shares(holders: readonly Holder[], now: number, most: number): Map<number, Share> {
    this.limit.seen(total(holders), now)
    const { reason } = this.limit
    if (!this.limit.isLearned(now, most)) {
      return new Map(holders.map(({ pid }) => [pid, { reason: '', forAll: true }]))
    }
    const limit = this.limit.at(now, most)
    const divided = divide(limit, holders)
    const forAll = limit >= holders.length
    return new Map(
      [...divided].map(([pid, share]): [number, Share] => [pid, { share, reason, forAll }]),
    )
  }
}

/** Evenly, at least one each; less, also none, for those whose part others still hold. */
export function divide(limit: number, holders: readonly Holder[]): Map<number, number> {
  const inOrder = holders.toSorted((a, b) => a.pid - b.pid)
  const each = Math.floor(limit / inOrder.length)
  const more = limit % inOrder.length
  const fair = inOrder.map((holder, index) => {
    const open = holder.open + holder.opening
    return { pid: holder.pid, open, share: Math.max(1, each + (index < more ? 1 : 0)) }
  })
  let held = fair.reduce((sum, { open, share }) => sum + Math.max(0, open - share), 0)
  // one for each is more than there are: nobody waits for another, the host says who has it
  if (each === 0) held = 0
  const shares = new Map<number, number>()
  for (const { pid, open, share } of fair.toReversed()) {
    const waits = Math.min(held, Math.max(0, share - open))
    held -= waits
    shares.set(pid, share - waits)
  }
  return shares
}

function total(holders: readonly Holder[]): number {
  return holders.reduce((sum, { open }) => sum + open, 0)
}
