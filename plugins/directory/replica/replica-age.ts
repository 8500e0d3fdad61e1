/**
 * How old a replica is, in numbers and in words. A snapshot from the future is of unknown age: it is older than
 * everything that has a limit.
 */
// milliseconds: one of both clocks is wrong, and nothing is known of its age
const clockSlack = 300_000

/** Milliseconds since that time of day. */
export function ageOf(at: number): number {
  const age = Date.now() - at
  return age < -clockSlack ? Number.POSITIVE_INFINITY : Math.max(0, age)
}

export function ageText(age: number): string {
  if (!Number.isFinite(age)) return 'of unknown age'
  const minutes = Math.floor(age / 60_000)
  if (minutes < 1) return 'less than a minute old'
  if (minutes < 120) return `${minutes} min old`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min old`
}
