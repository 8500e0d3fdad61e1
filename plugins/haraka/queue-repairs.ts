/**
 * What Haraka's queue does wrong or too fast at a start, put right in the process that loads this.
 *
 *   a worker removes every file that is being written, those of the other workers too: only those of
 *   processes that are gone are left over
 *
 *   an entry that is due later waits its time twice: when it has come, it is compared with the time of
 *   the start
 *
 *   a file whose head cannot be read is returned to its sender after the last attempt, and as it names none
 *   the process ends, at each start again: such a file stays in the queue, told at each attempt
 *
 *   all that is due is read into memory at once: 20,000 entries cost 250 MB. Some hundred a second come
 *   up; where there are fewer, all within a second
 */
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import process from 'node:process'

import type { HarakaOutbound, HarakaQueue, QueueItem } from './outbound.js'
import { keepTime, waitInQueue, waitUntil } from './queue-timer.js'

const perSecond = 500

export function repairQueue(queue: HarakaQueue, outbound: HarakaOutbound): void {
  const { qfile } = outbound
  const pace = paced(perSecond)
  keepTime(outbound.temp_fail_queue)
  queue._add_file = (name) => {
    const due = waitUntil(qfile.parts(name)?.next_attempt ?? 0, Date.now())
    const path = join(queue.queue_dir, name)
    waitInQueue(outbound, { name, path }, due > 0 ? due : pace(performance.now()))
    return Promise.resolve(name)
  }
  keepUnreadable(outbound)
  queue.delete_dot_files = async () => {
    const names = await readdir(queue.queue_dir).catch(() => [])
    const left = names.filter((name) => {
      if (!name.startsWith(qfile.platformDOT)) return false
      const pid = qfile.parts(name.slice(qfile.platformDOT.length))?.pid
      return pid === undefined || pid === process.pid || !isRunning(pid)
    })
    await Promise.all(
      left.map((name) => unlink(join(queue.queue_dir, name)).catch(() => undefined)),
    )
  }
}

function keepUnreadable({ HMailItem }: HarakaOutbound): void {
  const items = HMailItem.prototype as QueueItem
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its item below
  const fail = items.temp_fail
  items.temp_fail = function (this: QueueItem, reason, extra) {
    if (!wasRead(this)) {
      this.num_failures = Math.min(this.num_failures, this.cfg.temp_fail_intervals.length - 1)
    }
    fail.call(this, reason, extra)
  }
}

/** Haraka sets the head first and makes addresses of what stands in it after that. */
function wasRead({ todo }: QueueItem): boolean {
  const isAddress = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && 'format' in value
  const head: Partial<QueueItem['todo']> | null = todo
  return isAddress(head?.mail_from) && Array.isArray(head?.rcpt_to) && head.rcpt_to.every(isAddress)
}

/** Milliseconds to wait, so that no more than `most` go in a second. */
export function paced(most: number): (now: number) => number {
  let at = Number.NEGATIVE_INFINITY
  let count = 0
  return (now) => {
    if (now >= at + 1000) {
      at = now
      count = 0
    }
    if (count === most) {
      at += 1000
      count = 0
    }
    count++
    return Math.max(0, at - now)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // somebody else's process
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
