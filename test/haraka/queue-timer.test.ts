/** The time of day jumps, in Haraka's own timer queue: every wait stays as long as it was to be. */
import assert from 'node:assert/strict'

import { keepTime } from '../../plugins/haraka/queue-timer.js'
import type { HarakaOutbound } from '../../plugins/haraka/outbound.js'

type Timers = HarakaOutbound['temp_fail_queue'] & { shutdown(): void }

// eslint-disable-next-line @typescript-eslint/no-require-imports -- it ships no types
const { TimerQueue } = require('haraka-utils') as { TimerQueue: new (interval: number) => Timers }

const hour = 3_600_000
const timeOfDay = Date.now.bind(Date)

describe('a time of day that jumps', () => {
  let jumped: number
  let passed: number
  let timers: Timers
  let fired: string[]

  beforeEach(() => {
    jumped = passed = 0
    fired = []
    const begin = timeOfDay()
    Date.now = () => begin + passed + jumped
    timers = new TimerQueue(1_000_000)
    keepTime(timers, { timeOfDay: Date.now, steady: () => passed })
    for (const wait of [60_000, 10_000, 2 * hour]) {
      timers.add(`${wait}`, wait, () => void fired.push(`${wait}`))
    }
  })

  afterEach(() => {
    Date.now = timeOfDay
    timers.shutdown()
  })

  const after = (milliseconds: number): string => {
    passed += milliseconds
    timers.fire()
    return fired.join(' ')
  }

  for (const jump of [hour, -hour, 400 * 24 * hour, 2500, -2500]) {
    it(`by ${jump / 1000} s: nothing comes early, and nothing late`, () => {
      assert.equal(after(5000), '')
      jumped = jump
      assert.equal(after(1000), '')
      assert.equal(after(3000), '')
      assert.equal(after(1000), '10000')
      assert.equal(after(49_000), '10000')
      assert.equal(after(1000), '10000 60000')
      assert.equal(after(2 * hour), '10000 60000 7200000')
    })
  }

  it('twice, there and back', () => {
    jumped = hour
    assert.equal(after(1000), '')
    jumped = 0
    assert.equal(after(8000), '')
    assert.equal(after(1000), '10000')
  })

  it('what is added after the jump has its own time', () => {
    jumped = hour
    timers.add('new', 1000, () => void fired.push('new'))
    assert.equal(after(999), '')
    assert.equal(after(1), 'new')
  })
})
