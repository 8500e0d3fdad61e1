import assert from 'node:assert/strict'

import { SessionLimit } from '../../../plugins/delivery/hosts/session-limit.js'

const minute = 60_000

describe('the limit of a host', () => {
  it('is what the configuration says until the host refuses', () => {
    const limit = new SessionLimit()
    assert.equal(limit.at(0, 20), 20)
    assert.equal(limit.isLearned(0, 20), false)
    assert.equal(limit.nextRaise(0, 20), undefined)
  })

  it('what was open, one more each minute, up to the configuration', () => {
    const limit = new SessionLimit()
    assert.equal(limit.refused(5, 0, 20, '421 too many'), true)
    const at = [0, 1, minute - 1, minute, 2 * minute, 15 * minute, 60 * minute]
    assert.deepEqual(
      at.map((now) => limit.at(now, 20)),
      [5, 5, 5, 6, 7, 20, 20],
    )
    assert.equal(limit.nextRaise(1, 20), minute)
    assert.equal(limit.nextRaise(minute, 20), 2 * minute)
    assert.equal(limit.nextRaise(15 * minute, 20), undefined)
  })

  it('a refusal later counts anew, and never below one', () => {
    const limit = new SessionLimit()
    limit.refused(5, 0, 20, '')
    assert.equal(limit.refused(6, 90_000, 20, ''), false)
    assert.equal(limit.at(90_000, 20), 6)
    assert.equal(limit.at(149_000, 20), 6)
    limit.refused(0, 150_000, 20, '')
    assert.equal(limit.at(150_000, 20), 1)
  })

  it('a share that was told counts in its place; none lasts some seconds', () => {
    const limit = new SessionLimit()
    limit.refused(4, 0, 10, '421')
    limit.tell(2, 10, '421')
    assert.deepEqual([limit.at(10, 10), limit.at(10 * minute, 10)], [2, 2])
    assert.equal(limit.isLearned(10, 10), true)
    limit.tell(0, 20, '421')
    assert.deepEqual([limit.at(20, 10), limit.at(5019, 10), limit.at(5020, 10)], [0, 0, 1])
    assert.equal(limit.nextRaise(20, 10), 5020)
    assert.equal(limit.nextRaise(5020, 10), undefined)
    limit.tell(3, 6000, '421')
    // refused all the same: that counts until another share is told
    limit.refused(1, 7000, 10, '421')
    assert.equal(limit.at(7000, 10), 1)
    limit.tell(3, 7010, '421')
    assert.equal(limit.at(7010, 10), 3)
    limit.forgetShare()
    assert.equal(limit.at(7010, 10), 10)
  })

  it('more are open than it was thought to take', () => {
    const limit = new SessionLimit()
    limit.refused(2, 0, 10, '421')
    limit.seen(2, 0)
    assert.equal(limit.at(0, 10), 2)
    limit.seen(5, 2 * minute)
    assert.deepEqual([limit.at(2 * minute, 10), limit.at(3 * minute, 10)], [5, 6])
  })
})
