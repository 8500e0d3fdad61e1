import assert from 'node:assert/strict'

import { HostHealth } from '../../../plugins/delivery/hosts/host-health.js'

describe('hosts that fail', () => {
  const setup = (): { health: HostHealth; wait: (ms: number) => void } => {
    let now = 0
    return { health: new HostHealth(() => now), wait: (ms) => (now += ms) }
  }

  it('a host that is well is used by all at once', () => {
    const { health } = setup()
    assert.ok(health.claim('a'))
    assert.ok(health.claim('a'))
  })

  it('is left alone, then probed by one message', () => {
    const { health, wait } = setup()
    health.claim('a')?.('failed')
    assert.equal(health.claim('a'), undefined)
    assert.ok(health.claim('b'))
    wait(1000)
    const probe = health.claim('a')
    assert.ok(probe)
    assert.equal(health.claim('a'), undefined, 'the others wait for the probe')
    probe('well')
    assert.ok(health.claim('a'))
    assert.ok(health.claim('a'))
  })

  it('is left alone longer with each failure, up to five minutes', () => {
    const { health, wait } = setup()
    health.claim('a')?.('failed')
    const pauses: number[] = []
    for (let failure = 0; failure < 12; failure++) {
      const seconds = health.stats()['a']?.seconds ?? 0
      pauses.push(seconds)
      wait(seconds * 1000 - 1)
      assert.equal(health.claim('a'), undefined)
      wait(1)
      health.claim('a')?.('failed')
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
  })

  it('messages that fail together count once', () => {
    const { health } = setup()
    const reports = [health.claim('a'), health.claim('a'), health.claim('a')]
    for (const report of reports) report?.('failed')
    assert.equal(health.stats()['a']?.failures, 1)
  })

  it('a probe that never got there leaves the turn to the next', () => {
    const { health, wait } = setup()
    health.claim('a')?.('failed')
    wait(1000)
    health.claim('a')?.('neutral')
    assert.ok(health.claim('a'))
  })
})
