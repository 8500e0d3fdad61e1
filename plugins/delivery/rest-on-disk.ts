/**
 * What a host's answers leave of a message that a client waits for, on disk before the message goes to
 * the host, and in the queue only when its last answer is known. Other answers make it anew.
 */
import type { Soon } from '../basics/soon.js'
import type { Outcome } from './outcome.js'
import type { PreparedEntries } from './queue/queue-entry.js'
import { signatureOf } from './remainder.js'

export class RestOnDisk {
  private readonly make: (answers: readonly Outcome[]) => Promise<PreparedEntries> | undefined
  private prepared: { readonly entries: PreparedEntries; readonly signature: string } | undefined

  /** `make` writes what the answers leave; `undefined`: they leave nothing. */
  constructor(make: RestOnDisk['make']) {
    this.make = make
  }

  /** Rejects as `make` does. */
  prepare(answers: readonly Outcome[]): Soon<void> {
    const made = this.make(answers)
    return made && this.keep(made, signatureOf(answers))
  }

  private async keep(made: Promise<PreparedEntries>, signature: string): Promise<void> {
    this.prepared = { entries: await made, signature }
  }

  /** Puts what these answers leave into the queue. */
  async commit(answers: readonly Outcome[]): Promise<void> {
    if (this.prepared?.signature !== signatureOf(answers)) {
      await this.drop()
      await this.prepare(answers)
    }
    await this.prepared?.entries.commit()
  }

  drop(): Soon<void> {
    const { prepared } = this
    this.prepared = undefined
    return prepared?.entries.abort()
  }
}
