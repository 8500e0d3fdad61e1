/** The crash test in its short form; `npm run crash` is the long one. */
import assert from 'node:assert/strict'

import { crash } from '../../../scripts/crash.js'
import { formatResult } from '../../../scripts/crash-result.js'

describe('a gateway that is killed again and again', function () {
  this.timeout(180_000)

  for (const nodes of [0, 2]) {
    it(`loses nothing that got 250, ${nodes === 0 ? 'one process' : 'two processes'}`, async () => {
      const result = await crash({ kills: 3, messages: 80, clients: 8, nodes })
      console.log(`    ${formatResult(result)}`)
      assert.deepEqual(result.lost, [])
      assert.deepEqual(result.misplaced, [])
      assert.equal(result.failed, 0, 'a failure was reported of what was delivered')
      assert.ok(result.accepted >= 80)
      assert.ok(result.delayed > 0, 'no delay was reported: that was not tested')
    })
  }
})
