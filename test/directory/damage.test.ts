/** Damaged versions of a good export, from a fixed seed; `npm run damage` tries many more. */
import assert from 'node:assert/strict'

import { tryDamage } from '../../scripts/damage.js'
import { damages } from '../../scripts/damage/damages.js'

describe('damaged exports', function () {
  this.timeout(60_000)

  it('make nobody unknown who is in the good one', async () => {
    const { kinds, broken } = await tryDamage(400, 20)
    assert.equal(broken, undefined)
    // every kind of damage was tried, on both formats
    const tried = [...kinds.keys()]
    for (const kind of damages) assert.ok(tried.includes(`csv ${kind}`), `csv ${kind}`)
    // and certainty is not given up where it need not be
    for (const kind of ['joined by blanks', 'row twice', 'mailto', 'line ends']) {
      const { used = 0, keptOut = 0, certain = 0 } = kinds.get(`csv ${kind}`) ?? {}
      assert.ok(used + keptOut > 0 && certain === used + keptOut, kind)
    }
  })
})
