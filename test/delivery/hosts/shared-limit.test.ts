/** A limit that several processes share: a table of what each gets, and thousands of steps of a gateway. */
import assert from 'node:assert/strict'

import { divide, SharedLimit, type Holder } from '../../../plugins/delivery/hosts/shared-limit.js'
import { dice } from '../../../scripts/damage/dice.js'

const holders = (...open: number[]): Holder[] =>
  open.map((count, pid) => ({ pid, open: count, opening: 0 }))
const minute = 60_000

// what is open in each process, the limit, and what each may have
const cases: readonly (readonly [open: readonly number[], limit: number, shares: string])[] = [
  [[0, 0], 5, '3 2'],
  [[3, 2], 5, '3 2'],
  [[0, 0, 0], 20, '7 7 6'],
  [[0], 5, '5'],
  // who has too many keeps what he has until he gives it back
  [[4, 1], 5, '3 1'],
  [[5, 0], 5, '3 0'],
  [[4, 0], 5, '3 1'],
  [[0, 5], 5, '0 2'],
  [[5, 0, 0], 5, '2 0 0'],
  [[3, 0, 0], 5, '2 2 0'],
  // too few for all: each one at least, and the host says who has it
  [[1, 0], 1, '1 1'],
  [[0, 0, 0], 2, '1 1 1'],
]

describe('a limit that processes share', () => {
  for (const [open, limit, expected] of cases) {
    it(`${limit} for ${open.join(', ')}: ${expected}`, () => {
      const shares = divide(limit, holders(...open))
      assert.equal(open.map((_, pid) => shares.get(pid)).join(' '), expected)
    })
  }

  const sharesOf = (limit: SharedLimit, now: number, ...open: number[]): string => {
    const shares = limit.shares(holders(...open), now, 20)
    return open.map((_, pid) => shares.get(pid)?.share ?? 'all').join(' ')
  }

  it('is what is open in all when one is refused, and one more each minute', () => {
    const limit = new SharedLimit()
    assert.equal(sharesOf(limit, 0, 4, 1), 'all all')
    limit.refused(holders(4, 1), 0, 20, '421')
    assert.equal(sharesOf(limit, 0, 3, 2), '3 2')
    assert.equal(limit.nextRaise(0, 20), minute)
    assert.equal(sharesOf(limit, minute, 3, 2), '3 3')
    assert.equal(sharesOf(limit, 15 * minute, 3, 3), 'all all')
    assert.equal(limit.nextRaise(15 * minute, 20), undefined)
  })

  it('nobody has a session: it is failing, and no limit is known', () => {
    const limit = new SharedLimit()
    limit.refused(holders(3, 2), 0, 20, '421')
    limit.refused(holders(0, 0), 1000, 20, '421')
    assert.equal(sharesOf(limit, 1000, 0, 0), 'all all')
  })

  it('a process dies, and is started again: divided among those that are there', () => {
    const limit = new SharedLimit()
    limit.refused(holders(3, 2), 0, 20, '421')
    assert.equal(sharesOf(limit, 0, 3), '5')
    assert.equal(sharesOf(limit, 0, 5, 0), '3 0')
    assert.equal(sharesOf(limit, 0, 4, 0), '3 1')
    assert.equal(sharesOf(limit, 0, 3, 1), '3 2')
  })

  it('more are open than it was thought to take: it takes them', () => {
    const limit = new SharedLimit()
    limit.refused(holders(1, 1), 0, 20, '421')
    assert.equal(sharesOf(limit, 0, 3, 3), '3 3')
  })

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`5,000 steps: never more than the limit together, and nobody waits for ever (${seed})`, () => {
      const roll = dice(seed)
      let open = [0, 0, 0]
      for (let step = 0; step < 5000; step++) {
        const limit = 3 + roll(18)
        // each may have more than it is to have, from a time when there was more
        for (let round = 0; round < 20; round++) {
          const shares = divide(limit, holders(...open))
          const most = open.reduce(
            (sum, count, pid) => sum + Math.max(count, shares.get(pid) ?? 0),
            0,
          )
          const before = open.reduce((sum, count) => sum + count, 0)
          assert.ok(most <= Math.max(limit, before), `${open.join(' ')} at ${limit}`)
          // gives one back that it has too many, or takes one that it may have
          open = open.map((count, pid) => {
            const share = shares.get(pid) ?? 0
            return count > share ? count - 1 : Math.min(share, count + roll(2))
          })
        }
        const shares = divide(limit, holders(...open))
        const all = [...shares.values()].reduce((sum, share) => sum + share, 0)
        assert.equal(all, limit, `${open.join(' ')} at ${limit}`)
        if (roll(10) === 0) open[roll(3)] = 0
      }
    })
  }
})
