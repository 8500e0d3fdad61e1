/** The crash test in its short form; `npm run crash` is the long one. */
import assert from 'node:assert/strict'

import { crash, formatResult } from '../../../scripts/crash.js'

describe('a gateway that is killed again and again', function () {
  this.timeout(120_000)

  it('loses nothing that got 250', async () => {
    const result = await crash({ kills: 3, messages: 150, clients: 8, nodes: 0 })
    console.log(`    ${formatResult(result)}`)
    assert.deepEqual(result.lost, [])
    assert.deepEqual(result.misplaced, [])
    assert.ok(result.accepted >= 150)
  })
})
