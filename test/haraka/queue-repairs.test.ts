/** What Haraka's own queue does wrong is put right: in the queue of the installed Haraka. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { repairQueue } from '../../plugins/haraka/queue-repairs.js'
import type { HarakaOutbound, HarakaQueue, QueueItem } from '../../plugins/haraka/outbound.js'
import { tempDir } from '../harness/temp.js'

// eslint-disable-next-line @typescript-eslint/no-require-imports -- Haraka ships no types
const qfile = require('haraka/outbound/qfile') as HarakaOutbound['qfile'] & {
  name(parts: { pid: number }): string
}

describe("repairs of Haraka's queue", () => {
  it('files that a running process writes stay; those of a dead one, and our own, are left over', async () => {
    const folder = tempDir('repairs')
    // no process has the highest number that there can be
    const dead = qfile.name({ pid: 4_194_304 })
    const other = qfile.name({ pid: process.ppid })
    const own = qfile.name({ pid: process.pid })
    for (const name of [dead, other, own, 'no-name']) {
      writeFileSync(join(folder, `${qfile.platformDOT}${name}`), '')
    }
    writeFileSync(join(folder, own), '')
    const pushed: unknown[] = []
    const queue: HarakaQueue = {
      queue_dir: folder,
      delivery_queue: { push: (item) => void pushed.push(item) },
      delete_dot_files: () => Promise.reject(new Error('not repaired')),
      _add_hmail: () => assert.fail('not repaired'),
    }
    repairQueue(queue, { qfile })
    await queue.delete_dot_files()
    assert.deepEqual(readdirSync(folder).sort(), [own, `${qfile.platformDOT}${other}`].sort())
    const item = { next_process: Date.now() + 60_000 } as unknown as QueueItem
    queue._add_hmail(item)
    assert.deepEqual(pushed, [item])
  })
})
