/**
 * When an entry of the queue is tried again, by time and not by count. Pure: milliseconds and the
 * chance are passed in.
 *
 *   what a host deferred      after `retry`: 1 m, 2 m, 5 m, 10 m, the last repeats; never sooner, since
 *                             hosts that greylist count the seconds, and up to a fifth later
 *   an answer that got lost   after ten minutes: the host may still be working on it
 *   no session to be had      when a host has one; by the clock once an hour, for the two below
 *
 * `warn_after` the sender is told once that it takes longer; at `expire` that it has failed.
 */
import type { Schedule } from '../../decision/connectors-config.js'
import type { Outcome } from '../outcome.js'

/** In milliseconds; an object, so that a test can have shorter ones. */
export const waits = { uncertain: 600_000, forHost: 3_600_000, onFault: 60_000 }

const least = 1000
const spread = 0.2

export interface Age {
  /** since the message was taken, in milliseconds */
  readonly age: number
  /** the sender has been told of the delay */
  readonly warned: boolean
}

/**
 * In milliseconds since the message was taken, at a time of day and at the time that it would be if the
 * clock had not been set since this process started: the lesser one. A clock that jumps ahead gives no
 * mail up.
 */
export function ageOf(
  since: number,
  timeOfDay = Date.now(),
  steady = performance.timeOrigin + performance.now(),
): number {
  return Math.max(0, Math.min(timeOfDay, steady) - since)
}

/** After an attempt, the `attempts`th that failed, with these outcomes. */
export function nextAttempt(
  { retry }: Schedule,
  attempts: number,
  outcomes: readonly Outcome[],
  chance: () => number = Math.random,
): number {
  const own = retry[Math.min(attempts, retry.length) - 1] ?? least
  const lost = outcomes.some(({ kind }) => kind === 'uncertain')
  return (lost ? Math.max(own, waits.uncertain) : own) * (1 + spread * chance())
}

/** For what waits for a host: up to its next date, or an hour. */
export function nextLook(
  { warnAfter, expire }: Schedule,
  { age, warned }: Age,
  chance: () => number = Math.random,
): number {
  const dates = warned || warnAfter === 0 ? [expire] : [warnAfter, expire]
  const ahead = dates.map((date) => date - age).filter((time) => time > 0)
  return Math.max(least, Math.min(waits.forHost * (1 + spread * chance()), ...ahead))
}

export function isExpired({ expire }: Schedule, { age }: Age): boolean {
  return age >= expire
}

export function wantsWarning({ warnAfter }: Schedule, { age, warned }: Age): boolean {
  return warnAfter > 0 && !warned && age >= warnAfter
}
