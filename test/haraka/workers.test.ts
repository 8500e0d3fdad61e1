import assert from 'node:assert/strict'

import { startsWorkers } from '../../plugins/haraka/workers.js'

describe('workers', () => {
  const cases: [what: string, main: Record<string, string | number>, expected: boolean][] = [
    ['unset: Haraka starts one', {}, true],
    ['none', { nodes: 0 }, false],
    ['empty', { nodes: '' }, false],
    ['two', { nodes: 2 }, true],
    ['one for each processor', { nodes: 'cpus' }, true],
  ]
  for (const [what, main, expected] of cases) {
    it(`${what}: ${expected}`, () => {
      assert.equal(startsWorkers(main), expected)
    })
  }
})
