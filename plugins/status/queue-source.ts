/**
 * The queue as the status page sees it, and what can be done about it from there: the same as with
 * `address-space queue`.
 */
import type { Pause } from '../delivery/state.js'
import { placeLabel } from '../operations/metrics/mail-metrics.js'
import { releaseTopic } from '../operations/metrics/process-report.js'
import { makeOwnedFolder } from '../operations/owned-folder.js'
import { changePauses, readPauses } from '../operations/pauses.js'
import { Processes } from '../operations/processes.js'
import { QueueReader } from '../operations/queue/queue-reader.js'
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
    for (const entry of await this.reader.entries()) {
      if (entry.kept) {
        kept += 1
        continue
      }
      const key = placeLabel(entry.place)
      const before = places.get(key) ?? { messages: 0, recipients: 0 }
      places.set(key, {
        messages: before.messages + 1,
        recipients: before.recipients + entry.recipients.length,
        oldest: Math.min(before.oldest ?? entry.since, entry.since),
        nextTry: Math.min(before.nextTry ?? entry.nextAttempt, entry.nextAttempt),
      })
    }
    return { places, kept }
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
    const { paths, user, pack } = this.operations
    switch (action.do) {
      case 'retry': {
        const answers = await Processes.here().ask(releaseTopic, place)
        const failed = answers.find((answer) => !answer.ok)
        if (failed && !failed.ok) throw new Error(`a process did not do it: ${failed.reason}`)
        pack.files.log.notice(`${by}: what waits for ${place} is tried now`)
        return `What waits for ${place} is tried now.`
      }
      case 'pause': {
        const now = Date.now()
        makeOwnedFolder(paths.control, user, 0o700)
        changePauses(paths.control, (places) => {
          const until = action.for === undefined ? {} : { until: now + action.for }
          places.set(place, { reason: action.reason, since: now, by, ...until })
        })
        pack.files.log.notice(`${by}: ${place} is paused: ${action.reason}`)
        return `Mail for ${place} is held back from now on.`
      }
      case 'resume': {
        let was = false
        makeOwnedFolder(paths.control, user, 0o700)
        changePauses(paths.control, (places) => {
          was = places.delete(place)
        })
        pack.files.log.notice(`${by}: ${place} is resumed`)
        return was ? `Mail for ${place} goes out again.` : `${place} was not paused.`
      }
    }
  }
}
