/** The disk of the queue: the floor of free space, and the bounds of mail that went to nobody. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { floorOf, QueueDisk, type Disk } from '../../../plugins/delivery/queue/free-space.js'
import { surplus, tidyKeptMail } from '../../../plugins/delivery/queue/kept-mail.js'
import type { MailEvent } from '../../../plugins/mail/mail-event.js'
import { tempDir } from '../../harness/temp.js'
import { silentLog } from '../setup.js'

const gigabyte = 1024 ** 3
const day = 86_400_000

describe('free space for the queue', () => {
  const floors: [string, number, number, number][] = [
    ['a share', 5, 10 * gigabyte, 0.5 * gigabyte],
    ['a share of a large disk', 5, 100 * gigabyte, gigabyte],
    ['a size', 0, 100 * gigabyte, gigabyte],
  ]
  for (const [name, percent, size, wanted] of floors) {
    it(name, () => assert.equal(floorOf({ percent, octets: gigabyte }, { size }), wanted))
  }

  it('low, told once, and told once when there is room again', async () => {
    let answer: Disk | Error = { free: 1000, size: 100_000 }
    const lines: string[] = []
    const tell = (line: string): void => void lines.push(line)
    const log = { ...silentLog, crit: tell, notice: tell }
    const ask = (): Promise<Disk> =>
      answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    const disk = new QueueDisk(() => '/queue', log, ask)
    const floor = { percent: 5, octets: gigabyte }
    assert.equal(disk.isLow(floor), false, 'nothing is known yet')
    await disk.look()
    assert.deepEqual([disk.isLow(floor), disk.isLow(floor)], [true, true])
    answer = { free: 6000, size: 100_000 }
    await disk.look()
    assert.equal(disk.isLow(floor), false)
    assert.equal(lines.length, 2)
    answer = new Error('no such disk')
    await disk.look()
    assert.equal(disk.isLow(floor), false)
  })
})

describe('mail that went to nobody', () => {
  const file = (name: string, days: number, size: number) => ({ name, time: -days * day, size })

  it('older than its time goes, and the oldest of too much', () => {
    const files = [file('old', 8, 1), file('a', 1, 60), file('b', 2, 60), file('c', 3, 60)]
    const gone = surplus(files, 0, { age: 7 * day, size: 130 })
    assert.deepEqual(
      gone.map(({ name }) => name),
      ['old', 'c'],
    )
    assert.deepEqual(surplus(files.slice(1, 3), 0, { age: 7 * day, size: 130 }), [])
  })

  it('only kept files are touched; each removal is told', async () => {
    const folder = mkdtempSync(join(tempDir('kept'), 'q'))
    for (const name of ['error.1_1_0_1_x_1_h', 'error.2_2_0_1_x_2_h', '3_3_0_1_x_3_h']) {
      writeFileSync(join(folder, name), 'x')
      const time = name.startsWith('error.2') ? new Date() : new Date(Date.now() - 8 * day)
      utimesSync(join(folder, name), time, time)
    }
    const events: MailEvent[] = []
    const lines: string[] = []
    const log = { ...silentLog, notice: (line: string) => void lines.push(line) }
    await tidyKeptMail(() => folder, { log, observe: (event) => void events.push(event) })
    assert.deepEqual(readdirSync(folder).sort(), ['3_3_0_1_x_3_h', 'error.2_2_0_1_x_2_h'])
    assert.equal(lines.length, 1)
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['removed'],
    )
    await tidyKeptMail(() => join(folder, 'not-there'), { log: silentLog })
  })
})
