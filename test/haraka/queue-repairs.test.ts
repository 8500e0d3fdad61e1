/** What Haraka's own queue does wrong is put right: in the queue of the installed Haraka. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { paced, repairQueue } from '../../plugins/haraka/queue-repairs.js'
import type { HarakaOutbound, HarakaQueue } from '../../plugins/haraka/outbound.js'
import { tempDir } from '../harness/temp.js'

// eslint-disable-next-line @typescript-eslint/no-require-imports -- Haraka ships no types
const qfile = require('haraka/outbound/qfile') as HarakaOutbound['qfile'] & {
  name(parts: { pid?: number; next_attempt?: number }): string
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
    const { queue } = repaired(folder)
    await queue.delete_dot_files()
    assert.deepEqual(readdirSync(folder).sort(), [own, `${qfile.platformDOT}${other}`].sort())
  })

  it('what is due comes up within the second, the rest at its time, both once', async () => {
    const { queue, waits } = repaired(tempDir('repairs'))
    const later = { next_attempt: Date.now() + 60_000 }
    await queue._add_file(qfile.name({}))
    await queue._add_file(qfile.name(later))
    assert.equal(waits[0], 0)
    assert.ok(Math.abs((waits[1] ?? 0) - 60_000) < 5000)
  })

  it('a time that a clock gone wrong has written is not waited for', async () => {
    const { queue, waits } = repaired(tempDir('repairs'))
    await queue._add_file(qfile.name({ next_attempt: Date.now() + 400 * 86_400_000 }))
    assert.deepEqual(waits, [86_400_000])
  })

  it('a large queue comes up at a pace', () => {
    const pace = paced(2)
    const waits = [0, 1, 2, 10, 11, 12].map((now) => pace(now))
    assert.deepEqual(waits, [0, 0, 998, 990, 1989, 1988])
    assert.equal(pace(60_000), 0)
  })
})

function repaired(folder: string): { queue: HarakaQueue; waits: number[] } {
  const waits: number[] = []
  const outbound: HarakaOutbound = {
    HMailItem: class {
      path = ''
    } as unknown as HarakaOutbound['HMailItem'],
    qfile,
    delivery_queue: { push: () => undefined },
    temp_fail_queue: {
      queue: [],
      fire: () => undefined,
      add: (_, milliseconds) => void waits.push(milliseconds),
    },
    stats: () => ({ queue_dir: folder }),
  }
  const queue: HarakaQueue = {
    queue_dir: folder,
    delete_dot_files: () => Promise.reject(new Error('not repaired')),
    _add_file: () => Promise.reject(new Error('not repaired')),
  }
  repairQueue(queue, outbound)
  return { queue, waits }
}
