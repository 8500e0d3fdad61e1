/**
 * The line before the hosts: a client that waits stands in the line of each host that will do, and the
 * first one with room serves it. Who came first is first. A wait ends with a session, with its patience,
 * or when none of its hosts has a session any more and all are left alone: `NoSessionError`.
 */
import type { Soon } from '../../basics/soon.js'
import type { Endpoint } from '../smtp/session.js'
import { NoSessionError, whyNot, type Lease, type SessionWish } from './lease.js'
import type { KnownHost } from './host-table.js'

export interface Turn {
  readonly lines: readonly (readonly [Endpoint, KnownHost])[]
  /** whether it has taken what the host offers */
  readonly grant: (known: KnownHost) => boolean
  readonly giveUp: (reason: string) => void
}

type Claim = (known: KnownHost, endpoint: Endpoint) => Soon<Lease> | string

/** Rejects with NoSessionError, or as the claim does. `patience`: by performance.now(). */
export function waitInLine(
  lines: Turn['lines'],
  { patience = 0 }: Pick<SessionWish, 'patience'>,
  { claim, reason }: { readonly claim: Claim; readonly reason: string },
): Promise<Lease> {
  return new Promise((resolve, reject) => {
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
        const lease = endpoint ? claim(known, endpoint) : 'full'
        if (typeof lease === 'string') return false
        leave()
        void Promise.resolve(lease).then(resolve, reject)
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

/** Gives what is free at the host to those who wait there; those for whom nothing comes free give up. */
export function serveLine(known: KnownHost): void {
  const { host, turns } = known
  for (const turn of turns) {
    // one that is kept out for its login keeps nobody behind it out
    if (!turn.grant(known) && host.room(performance.now()) === 0) break
  }
  const isGone = (one: KnownHost): boolean => one.host.total === 0 && !one.host.health.isWell
  for (const turn of isGone(known) ? [...turns] : []) {
    if (turn.lines.every(([, line]) => isGone(line))) turn.giveUp(whyNot(host, 'left-alone'))
  }
}
