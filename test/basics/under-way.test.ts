import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'

import { UnderWay } from '../../plugins/basics/under-way.js'

describe('what is under way', () => {
  it('has ended when there is nothing', async () => {
    const underWay = new UnderWay()
    underWay.end(underWay.begin())
    assert.equal(await settled(underWay.ended()), true)
  })

  it('ends with the last that had begun, whatever begins and ends meanwhile', async () => {
    const underWay = new UnderWay()
    const [first, second] = [underWay.begin(), underWay.begin()]
    const ended = underWay.ended()
    const later = underWay.begin()
    underWay.end(later)
    underWay.end(first)
    assert.equal(await settled(ended), false)
    underWay.end(second)
    assert.equal(await settled(ended), true)
  })

  it('lets several wait, each for what was before it', async () => {
    const underWay = new UnderWay()
    const old = underWay.begin()
    const before = underWay.ended()
    const young = underWay.begin()
    const both = underWay.ended()
    underWay.end(young)
    assert.deepEqual([await settled(before), await settled(both)], [false, false])
    underWay.end(old)
    assert.deepEqual([await settled(before), await settled(both)], [true, true])
  })
})

async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false
  void promise.then(() => (done = true))
  await setImmediate()
  return done
}
