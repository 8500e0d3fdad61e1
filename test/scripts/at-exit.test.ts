/** A program that starts servers leaves neither them nor their folders behind, however it ends. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { tempDir } from '../harness/temp.js'

const root = join(__dirname, '..', '..')

/** Starts a server that ignores SIGTERM and keeps writing into a folder, and tells both. */
const program = `
import { atExit, exitOnSignals } from '${root}/scripts/servers/at-exit.ts'
import { ServerProcess, temporaryFolder } from '${root}/scripts/servers/process.ts'
exitOnSignals()
const folder = temporaryFolder('at-exit')
const writes = 'trap "" TERM; while :; do date >"$0/file"; sleep 0.01; done'
const server = new ServerProcess('sh', ['-c', writes, folder])
// the last to come is the first to be undone: the rest is still to do after a while
atExit(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300))
console.log(JSON.stringify({ folder, pid: server.pid }))
if (process.argv[2] === 'a failure') throw new Error('a failure of the program')
setInterval(() => undefined, 1000)
`

describe('what a program leaves behind', () => {
  const file = join(tempDir('at-exit'), 'program.ts')
  before(() => writeFileSync(file, program))

  // a terminal, npm and `timeout` each pass a signal on: it comes twice
  for (const end of ['SIGTERM', 'SIGINT', 'SIGHUP', 'a failure', 'SIGTERM twice'] as const) {
    it(`nothing after ${end}`, async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', file, end], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const ended = once(child, 'close')
      const [text] = (await once(child.stdout, 'data')) as [Buffer]
      const { folder, pid } = JSON.parse(text.toString()) as { folder: string; pid: number }
      if (end === 'SIGTERM twice') {
        child.kill('SIGTERM')
        await sleep(100)
        child.kill('SIGTERM')
      } else if (end !== 'a failure') child.kill(end)
      const [code] = (await ended) as [number]
      assert.notEqual(code, 0)
      assert.equal(existsSync(folder), false, folder)
      const dead = await waitUntilDead(pid)
      assert.ok(dead, `process ${pid} still runs`)
    })
  }
})

/** What nobody waits for stays in the table of processes as `Z`. */
async function waitUntilDead(pid: number): Promise<boolean> {
  const end = performance.now() + 3000
  while (performance.now() < end) {
    const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    if (stdout.trim() === '' || stdout.startsWith('Z')) return true
    await sleep(20)
  }
  return false
}
