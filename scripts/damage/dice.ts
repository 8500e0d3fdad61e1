/** Whole numbers below a limit, by chance, that come again with the same seed. */
import { seeded } from '../seeded.js'

export type Dice = (below: number) => number

export function dice(seed: number): Dice {
  const next = seeded(seed)
  return (below) => Math.floor(next() * below)
}
