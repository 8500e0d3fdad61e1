import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { tempDir } from '../harness/temp.js'

const source = join(__dirname, '..', '..', 'plugins', 'operations', 'processes.ts')

/** A first process with two workers; it prints what the script makes of them. */
const program = `
import cluster from 'node:cluster'
import { once } from 'node:events'
import { Processes } from ${JSON.stringify(source)}

const processes = Processes.here()
processes.answer('double', (value) => Number(value) * 2)
processes.answer('fail', () => { throw new Error('cannot') })
processes.answer('slow', () => new Promise(() => {}))
processes.answer('die', () => process.exit(1))
async function main() {
  const alone = await processes.ask('double', 4)
  const heard: unknown[] = []
  processes.hear('hello', (pid, value) => heard.push([typeof pid, value]))
  const workers = [cluster.fork(), cluster.fork()]
  for (const worker of workers) await once(worker, 'message')
  const results = {
    alone: alone.map((answer) => answer.ok && answer.value),
    double: (await processes.ask('double', 21)).map((answer) => answer.ok && answer.value),
    fail: (await processes.ask('fail')).map((answer) => !answer.ok && answer.reason),
    unknown: (await processes.ask('unknown')).map((answer) => !answer.ok && answer.reason),
    slow: (await processes.ask('slow', undefined, 100)).map((answer) => !answer.ok && answer.reason),
    heard,
    count: processes.count,
    dying: (await processes.ask('die')).map((answer) => answer.ok),
  }
  process.send?.(results)
  process.disconnect()
}
if (cluster.isPrimary) void main()
else { processes.tell('hello', cluster.worker?.id === undefined ? 0 : 'here'); process.send?.('up') }
`

describe('the processes of a gateway', () => {
  it('answer, fail, keep silent and die, and the first one is told each time', async function () {
    this.timeout(60_000)
    const file = join(tempDir('processes'), 'main.mts')
    writeFileSync(file, program)
    const child: ChildProcess = fork(file, [], {
      execArgv: ['--import', require.resolve('tsx')],
      cwd: join(__dirname, '..', '..'),
    })
    const [results] = (await once(child, 'message')) as [Record<string, unknown>]
    child.kill('SIGKILL')
    assert.deepEqual(results['alone'], [8])
    assert.deepEqual(results['double'], [42, 42])
    assert.deepEqual(results['fail'], ['cannot', 'cannot'])
    assert.deepEqual(results['unknown'], [
      'nothing in this process answers `unknown`',
      'nothing in this process answers `unknown`',
    ])
    assert.deepEqual(results['slow'], ['no answer within 100 ms', 'no answer within 100 ms'])
    assert.deepEqual(results['heard'], [
      ['number', 'here'],
      ['number', 'here'],
    ])
    assert.equal(results['count'], 2)
    assert.deepEqual(results['dying'], [false, false])
  })
})
