/**
 * Two things that Haraka's queue does wrong, put right in the process that loads this.
 *
 *   at a worker's start it removes every file that is being written, those of the other workers too:
 *   only those of processes that are gone are left over
 *
 *   an entry that is loaded at a start, and due later, waits its time twice: when it has come, it is
 *   compared with the time of the start
 */
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'

import type { HarakaOutbound, HarakaQueue } from './outbound.js'

export function repairQueue(queue: HarakaQueue, { qfile }: Pick<HarakaOutbound, 'qfile'>): void {
  queue._add_hmail = (item) => queue.delivery_queue.push(item)
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // somebody else's process
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
