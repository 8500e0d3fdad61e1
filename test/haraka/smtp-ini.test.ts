import assert from 'node:assert/strict'
import { cpus } from 'node:os'

import { readSmtpIni } from '../../plugins/haraka/smtp-ini.js'

describe('smtp.ini', () => {
  const all = cpus().length
  const cases: [
    what: string,
    nodes: string | number | undefined,
    starts: boolean,
    count: number,
  ][] = [
    ['unset: Haraka starts one', undefined, true, 1],
    ['none', 0, false, 1],
    ['none, read as text', '0', false, 1],
    ['empty', '', false, 1],
    ['one', 1, true, 1],
    ['two', 2, true, 2],
    ['two, read as text', '2', true, 2],
    ['one for each processor', 'cpus', true, all],
  ]
  for (const [what, nodes, starts, count] of cases) {
    it(`workers, ${what}: ${starts}, ${count} take mail`, () => {
      const { startsWorkers, processes } = readSmtpIni({ nodes })
      assert.deepEqual({ startsWorkers, processes }, { startsWorkers: starts, processes: count })
    })
  }

  it('says whom Haraka changes to, and where it listens', () => {
    const { user, listeners } = readSmtpIni({ user: 'haraka', listen: '192.0.2.1:2525' })
    assert.deepEqual(
      { user, listeners },
      { user: 'haraka', listeners: [{ host: '192.0.2.1', port: 2525 }] },
    )
    assert.equal(readSmtpIni({}).user, '')
  })
})
