/**
 * A connection of a pool with what is known of its use: how many searches are under way on it, and when
 * it was last heard of. The pool decides; what a slot is and which one is best stands here.
 *
 * A slot that was dropped is never used again, so nothing that comes on it later counts.
 */
import type { LdapConnection } from './connection.js'

/** Milliseconds after which a connection is replaced, and how often that is looked at. */
export interface Recycling {
  readonly idle: number
  /** also the way back to the first server after an outage of it */
  readonly age: number
  readonly interval: number
}

// Active Directory closes connections that were idle for 15 minutes
export const defaultRecycling: Recycling = { idle: 5 * 60_000, age: 10 * 60_000, interval: 15_000 }

export interface Slot {
  readonly connection: LdapConnection
  readonly opened: number
  searches: number
  /** the last time it was sent or answered something */
  used: number
  answered: number
  /** `retiring` takes no more searches and ends after the last one; `gone` was dropped */
  state: 'open' | 'retiring' | 'gone'
}

export function newSlot(connection: LdapConnection, now: number): Slot {
  return { connection, opened: now, searches: 0, used: now, answered: now, state: 'open' }
}

/** The open one with the fewest searches under way, if any has room. */
export function freest(slots: Iterable<Slot>, maxInFlight: number): Slot | undefined {
  let best: Slot | undefined
  for (const slot of slots) {
    const free = slot.state === 'open' && slot.searches < maxInFlight
    if (free && slot.searches < (best?.searches ?? Number.POSITIVE_INFINITY)) best = slot
  }
  return best
}

/** Whether it is to be ended before the server or a firewall does. */
export function isDue(slot: Slot, now: number, recycling: Recycling): boolean {
  const idle = slot.searches === 0 && now - slot.used > recycling.idle
  return idle || now - slot.opened > recycling.age
}

/** It takes no more searches, and ends after those under way. */
export function retire(slot: Slot): void {
  if (slot.state !== 'open') return
  slot.state = 'retiring'
  if (slot.searches === 0) slot.connection.end()
}

export function heard(slot: Slot, now: number): void {
  slot.answered = now
  slot.used = now
}
