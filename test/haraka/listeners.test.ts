import assert from 'node:assert/strict'

import { parseListeners, reachable } from '../../plugins/haraka/listeners.js'

const cases: readonly (readonly [smtpIni: Record<string, string>, addresses: readonly string[]])[] =
  [
    [{}, ['127.0.0.1 25', '::1 25']],
    [{ listen: '[::0]:25' }, ['127.0.0.1 25', '::1 25']],
    [{ listen: '0.0.0.0:2525' }, ['127.0.0.1 2525']],
    [{ listen: '192.0.2.1:25,192.0.2.1:587,192.0.2.1:465' }, ['192.0.2.1 25']],
    [{ listen: '[2001:db8::1]:25' }, ['2001:db8::1 25']],
    [{ listen: '0.0.0.0:587' }, []],
  ]

describe('where this gateway can be reached from its own machine', () => {
  for (const [ini, expected] of cases) {
    it(JSON.stringify(ini), () => {
      const found = reachable(parseListeners(ini))
      assert.deepEqual(
        found.map(({ host, port }) => `${host} ${port}`),
        expected,
      )
    })
  }
})
