/**
 * Which directories cannot answer now, told from the lookups: they are asked in order, so a lookup
 * that ends at one says that those before it have answered. Pure but for the time of day, which is
 * only shown.
 */
import type { DirectoryState, Lookup } from './directory.js'

type Failure = NonNullable<DirectoryState['failing']>

export class Failing {
  private readonly failures = new Map<string, Failure>()

  /** `names`: the directories in the order asked. */
  note(lookup: Lookup, names: readonly string[]): void {
    if (this.failures.size > 0) {
      const last = lookup.kind === 'none' ? names.length : names.indexOf(lookup.directory)
      for (const name of names.slice(0, lookup.kind === 'failed' ? last : last + 1)) {
        this.failures.delete(name)
      }
    }
    if (lookup.kind !== 'failed' || lookup.directory === '') return
    const since = this.failures.get(lookup.directory)?.since ?? Date.now()
    this.failures.set(lookup.directory, { reason: lookup.reason, since })
  }

  of(name: string): Failure | undefined {
    return this.failures.get(name)
  }
}
