import assert from 'node:assert/strict'

import { HostHealth } from '../../../plugins/delivery/hosts/health.js'

const even = (): number => 0.5

describe('the health of a host', () => {
  it('1 s, doubled each time, up to 5 min', () => {
    const health = new HostHealth(even)
    let now = 0
    const pauses = Array.from({ length: 12 }, () => {
      const attempt = health.begin(now)
      health.failed(attempt, now, 'down')
      const pause = (health.until ?? 0) - now
      now = health.until ?? 0
      return pause / 1000
    })
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
  })

  for (const [chance, pause] of [
    [0, 800],
    [0.999_999, 1200],
  ] as const) {
    it(`spread by chance: ${pause} ms for ${chance}`, () => {
      const health = new HostHealth(() => chance)
      health.failed(health.begin(0), 0, 'down')
      assert.equal(Math.round(health.until ?? 0), pause)
    })
  }

  it('one probe when the time is over, and all when it is ready', () => {
    const health = new HostHealth(even)
    assert.equal(health.failed(health.begin(0), 0, 'down'), true)
    assert.equal(health.admits(999), false)
    assert.equal(health.admits(1000), true)
    const probe = health.begin(1000)
    assert.equal(health.admits(1000), false)
    assert.equal(health.reason, 'down')
    health.abandoned(probe)
    assert.equal(health.admits(1000), true)
    health.begin(1000)
    assert.equal(health.ready(), true)
    assert.equal(health.isWell, true)
    assert.equal(health.admits(1001), true)
    assert.equal(health.ready(), false)
  })

  it('attempts that were under way together are one failure', () => {
    const health = new HostHealth(even)
    const attempts = [health.begin(0), health.begin(1), health.begin(2)]
    const told = attempts.map((attempt, at) => health.failed(attempt, 10 + at, 'down'))
    assert.deepEqual(told, [true, false, false])
    assert.equal(health.until, 1010)
  })

  it('a late success says that it is well', () => {
    const health = new HostHealth(even)
    const late = health.begin(0)
    health.failed(health.begin(0), 5, 'down')
    assert.equal(health.ready(), true)
    health.abandoned(late)
    assert.equal(health.isWell, true)
  })
})
