import assert from 'node:assert/strict'

import { HostHealth } from '../../../plugins/delivery/hosts/health.js'

const even = (): number => 0.5

describe('the health of a host', () => {
  /** How long it is left alone each time, and how long it has been away before, in seconds. */
  function pauses(count: number, chance: () => number): { pause: number; away: number }[] {
    const health = new HostHealth(chance)
    let now = 0
    return Array.from({ length: count }, () => {
      const away = now
      health.failed(health.begin(now), now, 'down')
      now = health.until ?? 0
      return { pause: (now - away) / 1000, away: away / 1000 }
    })
  }

  it('1 s, doubled each time, up to 20 s in an outage of some minutes', () => {
    const first = pauses(8, even).map(({ pause }) => pause)
    assert.deepEqual(first, [1, 2, 4, 8, 16, 20, 20, 20])
    for (const { pause, away } of pauses(1000, () => 0.999)) {
      if (away < 240) assert.ok(pause < 30, `${pause} s after ${away} s`)
    }
  })

  it('up to 5 min, and never longer than a tenth of the outage', () => {
    const all = pauses(200, even)
    for (const { pause, away } of all) assert.ok(pause < Math.max(20, away / 10) + 0.01)
    assert.equal(all.at(-1)?.pause, 300)
    assert.ok(all.findIndex(({ pause }) => pause === 300) < 60, 'more than 60 questions in an hour')
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
