/** The queue's clock over a stand-in of Haraka's: who is let go, how many, and when. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { QueueClock } from '../../../plugins/delivery/queue/clock.js'
import { toQueueNotes, undecidedNotes } from '../../../plugins/delivery/queue/queue-notes.js'
import { headOf } from '../../../plugins/haraka/queue-file.js'
import type {
  HarakaOutbound,
  QueueItem,
  QueueTimer,
  QueueTodo,
} from '../../../plugins/haraka/outbound.js'
import { tempDir } from '../../harness/temp.js'

describe("the queue's clock", () => {
  let folder: string
  let pushed: string[]
  let outbound: HarakaOutbound
  let room: number
  let sessions: {
    room(host: string): number
    admits(way: string): boolean
    changed(host: string): void
  }
  let clock: QueueClock

  beforeEach(() => {
    folder = tempDir('clock')
    pushed = []
    room = 0
    const timers: QueueTimer[] = []
    outbound = {
      HMailItem: class {
        filename: string
        constructor(filename: string) {
          this.filename = filename
        }
      } as unknown as HarakaOutbound['HMailItem'],
      qfile: { name: () => '', parts: () => null, platformDOT: '__tmp__.' },
      delivery_queue: { push: ({ filename }) => void pushed.push(filename) },
      temp_fail_queue: {
        queue: timers,
        fire: () => undefined,
        add: (id, _, cb) => void outbound.temp_fail_queue.queue.push({ id, cb, fire_time: 0 }),
      },
      stats: () => ({ queue_dir: folder }),
    }
    sessions = { room: () => room, admits: () => true, changed: () => undefined }
    clock = new QueueClock(outbound, sessions)
  })

  afterEach(() => clock.close())

  let given = 0
  const itemOf = (filename: string): QueueItem => {
    const path = join(folder, filename)
    writeFileSync(path, 'x')
    return { filename, path, next_cb: () => void given++ } as unknown as QueueItem
  }
  const park = (names: string, place = 'connector:unix', hosts = ['h']): void => {
    for (const name of names) clock.park(itemOf(name), { place, group: place, hosts }, 1000)
  }
  const went = async (count: number): Promise<string> => {
    const end = Date.now() + 3000
    while (pushed.length < count && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    return pushed.join('')
  }
  const waits = (): string => outbound.temp_fail_queue.queue.map(({ id }) => id).join('')

  it('gives the slot back, and waits on the clock of Haraka', () => {
    given = 0
    park('abc')
    assert.equal(given, 3)
    assert.equal(waits(), 'abc')
    assert.equal(clock.waiting().get('connector:unix'), 3)
  })

  it('as many are let go as there is room, and no more while those are on the way', async () => {
    park('abcde')
    room = 2
    sessions.changed('h')
    sessions.changed('h')
    assert.deepEqual((await went(2)).split('').sort(), ['a', 'b'])
    assert.equal(waits(), 'cde')
    clock.arrived('a')
    sessions.changed('h')
    assert.equal((await went(3)).at(-1), 'c')
    sessions.changed('other')
    assert.equal(waits(), 'de')
  })

  it('room that no change has told of is found within seconds', async () => {
    park('a')
    room = 1
    assert.equal(await went(1), 'a')
  })

  it('one whose file is gone takes no slot', async () => {
    park('a')
    outbound.temp_fail_queue.queue.push({ id: 'b', cb: null, fire_time: 0 })
    const { rmSync } = await import('node:fs')
    rmSync(join(folder, 'a'))
    room = 1
    sessions.changed('h')
    assert.equal(await went(0), '')
    assert.equal(waits(), 'b')
  })

  it('loaded a second time it stands there once', () => {
    park('a')
    park('a')
    assert.equal(waits(), 'a')
  })

  it('release: all of a place, also what the place deferred before this start', async () => {
    park('ab')
    park('x', 'connector:other')
    for (const [name, connector] of [
      ['m', 'unix'],
      ['n', 'other'],
    ] as const) {
      const notes = { ...undecidedNotes([]), place: { kind: 'connector', connector } as const }
      writeFileSync(join(folder, name), headOf({ notes: toQueueNotes(notes) } as QueueTodo))
      outbound.temp_fail_queue.add(name, 1, () => void pushed.push(name))
    }
    await clock.release('connector:unix')
    assert.deepEqual((await went(3)).split('').sort(), ['a', 'b', 'm'])
    assert.equal(waits(), 'xn')
    await clock.release()
    assert.deepEqual((await went(5)).split('').sort(), ['a', 'b', 'm', 'n', 'x'])
  })
})
