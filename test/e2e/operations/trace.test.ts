/** The trace run in its short form, and the command on what it left. */
import assert from 'node:assert/strict'

import { kinds } from '../../../scripts/trace-compare.js'
import { formatTraceRun, traceRun, type TraceRunResult } from '../../../scripts/trace-run.js'
import { runCommand } from '../../cli/command.js'

describe('address-space trace tells what the hosts saw', function () {
  this.timeout(240_000)
  let run: TraceRunResult

  before(async () => {
    run = await traceRun({ messages: 48, clients: 6 })
  })
  after(() => run?.stop())

  it('for every message of every kind', () => {
    assert.deepEqual(run.wrong, [])
    for (const kind of kinds) assert.equal(run.right[kind], 6, formatTraceRun(run))
  })

  for (const [number, kind, lines] of [
    [0, 'local', [/decided .*mailbox → mailbox-host:corp, directory corp/u, /delivered .*<anna@/u]],
    [2, 'contact', [/<lotte@example\.com> → <lotte@remote\.example>: contact/u, /delivered/u]],
    [4, 'looped', [/loop .*550 5\.4\.6 too many hops/u]],
    [
      5,
      'bounced',
      [/refused .*550 5\.1\.1 no such user here/u, /reported +failure .*<a@sender\.example>/u],
    ],
    [6, 'deferred', [/deferred .*450 4\.2\.0 greylisted/u, /delivered/u]],
    [7, 'adopted', [/adopted .* for connector:queued, by /u, /delivered/u]],
  ] as const) {
    it(`by the command: ${kind}`, async () => {
      const what = `<m${number}.${kind}@client.example>`
      const { code, stdout, stderr } = await runCommand(['trace', what, '-c', run.gateway.dir])
      assert.equal(code, 0, stderr)
      for (const line of lines) assert.match(stdout, line)
    })
  }

  it('nothing found, a wrong time, no journal: says what to do', async () => {
    for (const [args, expected] of [
      [['nobody@nowhere.example'], /the journal knows nothing of nobody@nowhere\.example/u],
      [['anna@example.com', '--since', 'ever'], /--since: expected a time such as/u],
      [['anna@example.com', '--journal', '/nowhere'], /expected the folder of a journal, got/u],
    ] as const) {
      const { code, stderr } = await runCommand(['trace', ...args, '-c', run.gateway.dir])
      assert.equal(code, 1)
      assert.match(stderr, expected)
    }
  })
})
