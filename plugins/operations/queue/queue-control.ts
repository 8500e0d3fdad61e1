/**
 * What an administrator does to the queue of a running gateway. The first process takes the request;
 * each process does its part for the entries that wait on its clock.
 *
 * An entry that waits nowhere is on its way to a host at this moment: what is asked of it is refused,
 * and may be asked again. Whatever is killed in between, an entry stays on disk until it is removed,
 * and what stands there is delivered.
 */
import cluster from 'node:cluster'
import { unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'

import { parseQueueFileName, queueFileName } from '../../delivery/queue/queue-heads.js'
import type { PlaceState } from '../../delivery/state.js'
import type { Observe } from '../../mail/mail-event.js'
import type { ControlRequest } from '../control/protocol.js'
import type { Processes } from '../processes.js'
import { adoptFolder } from './adopt.js'
import { adoptedEvent } from './adopted-event.js'
import type { ProcessQueue } from './process-queue.js'
import { QueueReader, type QueueEntry } from './queue-reader.js'
import { assertReturnable, returnEntry } from './return-entry.js'
import { signOfLife } from './signs-of-life.js'

const topics = {
  states: 'queue.states',
  retry: 'queue.retry',
  drop: 'queue.drop',
  return: 'queue.return',
  load: 'queue.load',
  pauses: 'queue.pauses',
  flush: 'queue.flush',
} as const

// milliseconds for each process to answer
const patience = 10_000

export interface QueueStates {
  readonly states: readonly PlaceState[]
  /** name of file and time of each entry that waits on a clock */
  readonly due: readonly (readonly [name: string, time: number])[]
  /** those of them that wait for a host or a session, and not for that time */
  readonly parked: readonly string[]
}

/** What the gateway gives to this, in each process. */
export interface QueueControlSetup {
  readonly processes: Processes
  readonly queue: ProcessQueue
  readonly observe: Observe
  readonly gateway: string
  placeStates(): readonly PlaceState[]
  parked(): readonly string[]
  release(place: string): void
  refreshPauses(): void
  flush(): Promise<void>
}

export class QueueControl {
  private readonly setup: QueueControlSetup

  constructor(setup: QueueControlSetup) {
    this.setup = setup
    const { processes, queue } = setup
    processes.answer(topics.states, (): QueueStates => {
      return { states: setup.placeStates(), due: queue.due(), parked: setup.parked() }
    })
    processes.answer(topics.retry, (value) => {
      const { names, places } = value as { names: string[]; places: string[] }
      for (const place of places) setup.release(place)
      return queue.letGo(names)
    })
    processes.answer(topics.drop, (name) => queue.drop(String(name)))
    processes.answer(topics.return, async (value) => {
      const entry = value as QueueEntry
      const given = await queue.holding(entry.name, () =>
        returnEntry(queue.folder, entry, setup.gateway),
      )
      if (given?.report !== undefined) queue.load(given.report)
      for (const event of given?.events ?? []) setup.observe(event)
      return given !== undefined
    })
    processes.answer(topics.load, (value) => {
      const name = String(value)
      if (parseQueueFileName(name)?.pid !== process.pid) return false
      queue.load(name)
      return true
    })
    processes.answer(topics.pauses, () => setup.refreshPauses())
    processes.answer(topics.flush, () => setup.flush())
  }

  /** A request of the control socket, in the first process. */
  async handle(
    request: ControlRequest,
    progress: (done: number, of: number) => void,
  ): Promise<unknown> {
    const { gateway } = this.setup
    switch (request.command) {
      case 'hello':
        return { gateway, pid: process.pid, host: hostname() }
      case 'flush':
        await this.setup.flush()
        await this.all(topics.flush)
        return null
      case 'states':
        return this.states()
      case 'retry': {
        const { names, places } = request
        const tried = await this.all<string[]>(topics.retry, { names, places })
        return { tried: tried.flat().length }
      }
      case 'pauses':
        this.setup.refreshPauses()
        await this.all(topics.pauses)
        return null
      case 'drop':
        return this.remove(request.name, request.by)
      case 'return':
        return this.giveBack(request.name, request.by)
      case 'adopt':
        return this.adopt(request, progress)
    }
  }

  /** Lets go what waits for the place, in every process. */
  async retryPlace(place: string): Promise<void> {
    const entries = await new QueueReader(this.setup.queue.folder).entries()
    const names = entries.filter((entry) => entry.place === place).map(({ name }) => name)
    // none of them is to hold it back any more
    await this.all(topics.pauses)
    await this.all(topics.retry, { names, places: [place] })
  }

  /** The answers of the processes that gave one; one that is missing is an error. */
  private async all<T>(topic: string, value?: unknown): Promise<T[]> {
    const answers = await this.setup.processes.ask<T>(topic, value, patience)
    return answers.map((answer) => {
      if (answer.ok) return answer.value
      throw new Error(`process ${answer.pid}: ${answer.reason}`)
    })
  }

  /** What all processes know. Rejects if one does not answer. */
  async states(): Promise<QueueStates> {
    const answers = await this.all<QueueStates>(topics.states)
    return {
      states: answers.flatMap(({ states }) => states),
      due: answers.flatMap(({ due }) => due),
      parked: answers.flatMap(({ parked }) => parked),
    }
  }

  private async entry(name: string): Promise<QueueEntry> {
    const found = await new QueueReader(this.setup.queue.folder).entry(name)
    if (!found) throw new Error(`${name} is not in the queue any more`)
    return found
  }

  private async remove(name: string, by: string): Promise<null> {
    const entry = await this.entry(name)
    if (entry.kept) await unlink(join(this.setup.queue.folder, name))
    else await this.byItsProcess(topics.drop, name)
    this.tell('dropped', entry, by)
    return null
  }

  private async giveBack(name: string, by: string): Promise<null> {
    const entry = await this.entry(name)
    assertReturnable(entry)
    await this.byItsProcess(topics.return, entry)
    this.tell('returned', entry, by)
    return null
  }

  private async byItsProcess(topic: string, value: unknown): Promise<void> {
    if ((await this.all<boolean>(topic, value)).includes(true)) return
    throw new Error('it is being delivered at this moment; try again')
  }

  private tell(kind: 'returned' | 'dropped', entry: QueueEntry, by: string): void {
    const { uuid, place, name, recipients } = entry
    this.setup.observe({ kind, uuid, place, entry: name, recipients, by })
  }

  private async adopt(
    { dir, by }: { readonly dir: string; readonly by: string },
    progress: (done: number, of: number) => void,
  ): Promise<unknown> {
    const { queue, observe } = this.setup
    if (resolve(dir) === resolve(queue.folder))
      throw new Error(`${dir} is this gateway's own queue`)
    const workers = Object.values(cluster.workers ?? {}).flatMap(
      (worker) => worker?.process.pid ?? [],
    )
    // while it is looked for signs of life the command is to wait on
    const waiting = setInterval(() => progress(0, 0), 2000)
    const sign = await signOfLife(dir, { own: new Set([process.pid, ...workers]) }).finally(() =>
      clearInterval(waiting),
    )
    if (sign !== undefined) throw new Error(`the gateway of ${dir} lives: ${sign}`)
    const pids = workers.length > 0 ? workers : [process.pid]
    let turn = 0
    return adoptFolder({
      from: dir,
      to: queue.folder,
      // tried at once: it has waited for its dead gateway long enough
      nameFor: (theirs) =>
        queueFileName({
          ...theirs,
          pid: pids[turn++ % pids.length] ?? process.pid,
          nextAttempt: Date.now(),
        }),
      progress,
      adopted: async (name) => {
        const event = await adoptedEvent(queue.folder, name, by)
        if (event) observe(event)
        await this.all(topics.load, name)
      },
    })
  }
}
