/**
 * By which a reading tells whether an object has changed since it was passed on. Two objects of one hash would
 * hide a change; with 53 bits nobody will see that in a directory.
 */
import type { ReplicaEntry } from './replica-table.js'

/** Two FNV-1a hashes with different beginnings, as one whole number of 53 bits. */
export function hashOf({ id, entry, doubt }: ReplicaEntry): number {
  const text = JSON.stringify([id, entry, doubt])
  let low = 0x811c9dc5
  let high = 0x01234567
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ (code + index), 0x01000193)
  }
  return (low >>> 0) * 2 ** 21 + (high >>> 11)
}
