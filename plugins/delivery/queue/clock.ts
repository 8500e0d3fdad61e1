/**
 * The queue's clock: who waits, for what, and when he is let go. An entry that has no session does not
 * stay in Haraka's delivery slot: it waits here, and counts no attempt.
 *
 *   a host has room again   as many are let go as it has sessions: 20 when it is well again, then one
 *                           for each that comes free
 *   its time has come       Haraka's own clock brings it up
 *   an administrator says   `release`: now, whatever it waits for
 */
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

import { readQueueHead } from '../../haraka/queue-file.js'
import { letGo, letOneGo, stopWaiting, waitInQueue } from '../../haraka/queue-timer.js'
import type { HarakaOutbound, QueueItem } from '../../haraka/outbound.js'
import { placeKey } from '../../mail/place.js'
import type { Sessions } from '../hosts/sessions.js'
import { Backlog, type Waiting } from './backlog.js'
import { notesOf } from './queue-notes.js'

// an entry that was let go and has not come by then comes no more
const longestWay = 5000
const sweep = 1000
// at a time, when an administrator lets go: each is a file to be read
const together = 50

export class QueueClock {
  private readonly outbound: HarakaOutbound
  private readonly sessions: Pick<Sessions, 'room' | 'changed' | 'admits'>
  private readonly backlog = new Backlog()
  /** let go and not come yet: the host it was let go for */
  private readonly onTheWay = new Map<string, { readonly host: string; readonly since: number }>()
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(outbound: HarakaOutbound, sessions: Pick<Sessions, 'room' | 'changed' | 'admits'>) {
    this.outbound = outbound
    this.sessions = sessions
    sessions.changed = (host) => this.serve(host)
  }

  /** The entry gives its slot back and waits for one of the hosts, or for its time. */
  park(item: QueueItem, waiting: Omit<Waiting, 'name'>, milliseconds: number): void {
    const name = item.filename
    // it was loaded a second time (haraka --qunstick)
    if (this.backlog.has(name)) stopWaiting(this.outbound, name)
    this.backlog.add({ ...waiting, name })
    item.next_cb()
    waitInQueue(this.outbound, { name, path: item.path }, milliseconds, () => {
      this.backlog.remove(name)
    })
    this.timer ??= setInterval(() => this.sweep(), sweep).unref()
  }

  /** The entry has come to be delivered. */
  arrived(name: string): void {
    this.onTheWay.delete(name)
    this.backlog.remove(name)
  }

  /** How many wait for a session or are held, by place. */
  waiting(): Map<string, number> {
    return this.backlog.counts()
  }

  /** Their names. */
  parked(): string[] {
    return this.backlog.names()
  }

  /** Lets go what waits for the place, or all. */
  async release(place?: string): Promise<void> {
    const names = this.outbound.temp_fail_queue.queue.map(({ id }) => id)
    const folder = this.outbound.stats().queue_dir
    for (let at = 0; at < names.length && !this.closed; at += together) {
      const some = names.slice(at, at + together)
      const meant = await Promise.all(
        some.map(async (name) => {
          if (place === undefined || this.backlog.isOf(name, place)) return true
          if (this.backlog.has(name)) return false
          const head = await readQueueHead(join(folder, name)).catch(() => undefined)
          const known = head && notesOf(head.notes)?.place
          return known !== undefined && known.kind !== 'undecided' && placeKey(known) === place
        }),
      )
      const going = new Set(some.filter((_, index) => meant[index]))
      letGo(this.outbound, (name) => going.has(name))
    }
  }

  close(): void {
    this.closed = true
    clearInterval(this.timer)
  }

  /** As many as the host has room for. */
  private serve(host: string): void {
    if (this.closed || this.backlog.size === 0) return
    let room = this.sessions.room(host)
    for (const { host: other } of this.onTheWay.values()) if (other === host) room--
    for (; room > 0; room--) {
      const name = this.backlog.next(host, (way) => this.sessions.admits(way))
      if (name === undefined) return
      this.onTheWay.set(name, { host, since: performance.now() })
      if (!letOneGo(this.outbound, name)) this.onTheWay.delete(name)
    }
  }

  /** What a change has not told of: a host that was let go for, and nobody came. */
  private sweep(): void {
    const now = performance.now()
    for (const [name, { since }] of this.onTheWay) {
      if (now - since > longestWay) this.onTheWay.delete(name)
    }
    for (const host of this.backlog.hosts()) this.serve(host)
    if (this.backlog.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}
