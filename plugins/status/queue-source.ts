/**
 * The queue as the status page sees it, and what can be done about it from there: the same as with
 * `address-space queue`.
 */
import type { Pause } from '../delivery/state.js'
import { placeLabel } from '../operations/metrics/mail-metrics.js'
import { makeOwnedFolder } from '../operations/owned-folder.js'
import { changePauses, readPauses } from '../operations/pauses.js'
import { QueueReader, type QueueEntry } from '../operations/queue/queue-reader.js'
import { nextTries, toldBy } from '../operations/queue/queue-rows.js'
import type { Operations } from '../operations/operations.js'
import type { Waiting } from './gather.js'
import type { WaitingView } from './view.js'

export type QueueAction =
  | { readonly do: 'retry' | 'resume'; readonly place: string }
  | {
      readonly do: 'pause'
      readonly place: string
      readonly reason: string
      /** milliseconds; absent: until it is resumed */
      readonly for?: number
    }

export class QueueSource {
  private readonly operations: Operations
  private readonly reader: QueueReader

  constructor(operations: Operations) {
    this.operations = operations
    this.reader = new QueueReader(operations.paths.queue)
  }

  /** What waits, by place. Rejects when the queue cannot be read. */
  async waiting(): Promise<Waiting> {
    const places = new Map<string, WaitingView>()
    let kept = 0
    const { entries, tries } = await this.read()
    for (const entry of entries) {
      if (entry.kept) {
        kept += 1
        continue
      }
      const key = placeLabel(entry.place)
      const before = places.get(key) ?? { messages: 0, recipients: 0 }
      const times = [before.nextTry, tries.get(entry.name)].filter((time) => time !== undefined)
      places.set(key, {
        messages: before.messages + 1,
        recipients: before.recipients + entry.recipients.length,
        oldest: Math.min(before.oldest ?? entry.since, entry.since),
        ...(times.length > 0 && { nextTry: Math.min(...times) }),
      })
    }
    return { places, kept }
  }

  /** The entries, and when each is tried next: as the processes say, or, if one is silent, the files. */
  async read(): Promise<{
    readonly entries: readonly QueueEntry[]
    readonly tries: ReadonlyMap<string, number>
  }> {
    const [entries, states] = await Promise.all([
      this.reader.entries(),
      this.operations.control.states().catch(() => undefined),
    ])
    const facts = { entries, paused: this.paused(), now: Date.now(), ...toldBy(states) }
    return { entries, tries: nextTries(facts) }
  }

  /** Nothing, if it cannot be read: who holds mail back by it says so in the log. */
  paused(): ReadonlyMap<string, Pause> {
    try {
      return readPauses(this.operations.paths.control)
    } catch {
      return new Map()
    }
  }

  /** Answers with what was done. Rejects with a reason for people. */
  async act(action: QueueAction, by: string): Promise<string> {
    const { place } = action
    switch (action.do) {
      case 'retry':
        await this.operations.control.retryPlace(place)
        this.note('retried', place, by)
        return `What waits for ${place} is tried now.`
      case 'pause': {
        const now = Date.now()
        const until = action.for === undefined ? {} : { until: now + action.for }
        const { reason } = action
        await this.change((places) => places.set(place, { reason, since: now, by, ...until }))
        this.note('paused', place, by, reason)
        return `Mail for ${place} is held back from now on.`
      }
      case 'resume': {
        let was = false
        await this.change((places) => (was = places.delete(place)))
        if (was) this.note('resumed', place, by)
        return was ? `Mail for ${place} goes out again.` : `${place} was not paused.`
      }
    }
  }

  /** On disk first, then in every process. */
  private async change(change: Parameters<typeof changePauses>[1]): Promise<void> {
    const { paths, user, control } = this.operations
    makeOwnedFolder(paths.control, user, 0o700)
    changePauses(paths.control, change)
    await control.handle({ command: 'pauses' }, () => undefined)
  }

  /** Who did it stands in the log and in the journal. */
  private note(
    kind: 'paused' | 'resumed' | 'retried',
    place: string,
    by: string,
    reason?: string,
  ): void {
    const { files, observers } = this.operations.pack
    const why = reason === undefined ? '' : `: ${reason}`
    files.log.notice(`${place} is ${kind} by the ${by}${why}`)
    observers.observe({ kind, uuid: '', place, by, ...(reason !== undefined && { reason }) })
  }
}
