/**
 * The queue as one process of Haraka has it in memory: which entries wait on its clock, until when,
 * and letting one go before its time. An entry is either here, or on its way to a host, or another
 * process's.
 *
 * Haraka 3.3: outbound/queue.js, `temp_fail_queue`; an item's `id` is the name of its file.
 */
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'

import type { HarakaOutbound, QueueTimer } from '../../haraka/outbound.js'

/** Haraka's own timers say when. */
type Timed = QueueTimer & { readonly fire_time: number }

export class ProcessQueue {
  private readonly harakaOutbound: () => HarakaOutbound

  /** Haraka's outbound is asked for when it is needed first. */
  constructor(harakaOutbound: () => HarakaOutbound) {
    this.harakaOutbound = harakaOutbound
  }

  private get outbound(): HarakaOutbound {
    return this.harakaOutbound()
  }

  get folder(): string {
    return this.outbound.stats().queue_dir
  }

  /** Name of file and time of each entry that waits. */
  due(): [name: string, time: number][] {
    const waiting = this.outbound.temp_fail_queue.queue as Timed[]
    return waiting.map(({ id, fire_time }) => [id, fire_time])
  }

  /** Lets those entries go now that wait here; answers which. */
  letGo(names: readonly string[]): string[] {
    const going = this.take(new Set(names))
    for (const { cb } of going) cb?.()
    return going.map(({ id }) => id)
  }

  /** Removes the entry; false: it does not wait here. Rejects, and it waits on, if the disk refuses. */
  async drop(name: string): Promise<boolean> {
    const [timer] = this.take(new Set([name]))
    if (!timer) return false
    try {
      await unlink(join(this.folder, name))
      return true
    } catch (error) {
      this.putBack(timer)
      throw error
    }
  }

  /** Takes the entry off the clock while something is done to it; `undefined`: it does not wait here. */
  async holding<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    const [timer] = this.take(new Set([name]))
    if (!timer) return undefined
    try {
      return await work()
    } catch (error) {
      this.putBack(timer)
      throw error
    }
  }

  /** An entry that was put into the folder from outside: it is delivered by this process. */
  load(name: string): void {
    this.outbound.delivery_queue.push(new this.outbound.HMailItem(name, join(this.folder, name)))
  }

  private take(names: ReadonlySet<string>): QueueTimer[] {
    const clock = this.outbound.temp_fail_queue
    const taken = clock.queue.filter(({ id }) => names.has(id))
    if (taken.length > 0) clock.queue = clock.queue.filter(({ id }) => !names.has(id))
    return taken
  }

  private putBack(timer: QueueTimer): void {
    const { id, fire_time, cb } = timer as Timed
    const left = Math.max(0, fire_time - Date.now())
    this.outbound.temp_fail_queue.add(id, left, () => cb?.())
  }
}
