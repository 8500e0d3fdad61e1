/** How many requests of one client are answered, by how many come. */
import assert from 'node:assert/strict'

import { Rate } from '../../plugins/status/rate.js'

describe('the requests that one client may make in a second', () => {
  const cases: [comes: number, refused: number, answered: [least: number, most: number]][] = [
    [10, 0.1, [10, 10]],
    [30, 0.1, [29, 30]],
    [35, 0.1, [28, 30]],
    [100, 0.1, [22, 24]],
    [290, 0.1, [1, 5]],
    [1000, 0.1, [0, 0]],
    [1000, 0, [29, 31]],
  ]
  for (const [comes, refused, [least, most]] of cases) {
    it(`${comes} come, one refused costs ${refused}: ${least} to ${most} are answered`, () => {
      let now = 0
      const rate = new Rate(30, { refused, clock: () => now })
      const second = (): number => {
        let answered = 0
        for (let n = 0; n < comes; n++) {
          now += 1000 / comes
          if (rate.take()) answered++
        }
        return answered
      }
      // the first ones are answered at once
      for (let n = 0; n < 20; n++) second()
      const answered = second()
      assert.ok(answered >= least && answered <= most, `${answered}`)
    })
  }

  it('answers again as soon as a client has stopped', () => {
    let now = 0
    const rate = new Rate(30, { refused: 0.1, clock: () => now })
    for (let n = 0; n < 10_000; n++) rate.take()
    assert.equal(rate.take(), false)
    now += 40
    assert.equal(rate.take(), true)
  })

  it('asking whether one fits takes nothing', () => {
    const rate = new Rate(1, { refused: 0.1, clock: () => 0 })
    assert.deepEqual([rate.fits, rate.fits, rate.take(), rate.fits], [true, true, true, false])
  })
})
