/** The short form of `npm run fuzz`: the same inputs each time; what the long one finds becomes a case. */
import assert from 'node:assert/strict'

import { fuzzParts } from '../../scripts/fuzz/fuzz.js'
import { fuzzLdap } from '../../scripts/fuzz/ldap.js'
import { Live } from '../../scripts/fuzz/live.js'
import { Chance } from '../../scripts/fuzz/random.js'

describe('fuzzing', function () {
  this.timeout(180_000)

  it('finds nothing in the parts that read what comes from outside', () => {
    const inputs: Record<string, number> = {}
    assert.deepEqual(fuzzParts(1, 5000, inputs), [])
    assert.ok(Object.values(inputs).every((count) => count > 50))
  })

  it('finds nothing in lookups at an LDAP server that breaks the protocol', async () => {
    const { findings, lookups } = await fuzzLdap(1, 1000)
    assert.deepEqual(findings, [])
    assert.ok(lookups > 200)
  })

  it('finds nothing in a gateway between clients and hosts', async () => {
    const live = await Live.start()
    try {
      for (let seed = 1; seed <= 8; seed += 1)
        assert.deepEqual(await live.round(new Chance(seed)), [])
      assert.deepEqual(await live.settle(), [])
      assert.deepEqual(await live.spoiltQueue(new Chance(1)), [])
      assert.ok(live.accepted > 0)
    } finally {
      await live.stop()
    }
  })
})
