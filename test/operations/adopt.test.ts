/**
 * Adoption of a dead gateway's queue, killed at every point where it touches a file: each entry is
 * delivered once in the end, from one folder only, on one file system and between two.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

import { adoptFolder } from '../../plugins/operations/queue/adopt.js'
import { ControlServer } from '../../plugins/operations/control/control-server.js'
import { signOfLife } from '../../plugins/operations/queue/signs-of-life.js'
import { eventually } from '../e2e/delivery/faults.js'
import { tempDir } from '../harness/temp.js'
import { writeEntry } from './queue-folder.js'

const quiet = (): void => undefined
const log = { debug: quiet, info: quiet, notice: quiet, warn: quiet, error: quiet, crit: quiet }
const module = join(__dirname, '../../plugins/operations/queue/adopt.ts')

/** Kills itself at the n-th call that changes a file; each run prints what it has made an entry. */
const program = `
const fs = require('node:fs/promises')
let left = Number(process.argv[1])
for (const name of ['rename', 'unlink', 'copyFile', 'open']) {
  const real = fs[name]
  fs[name] = async (...args) => {
    if (left-- === 0) process.kill(process.pid, 'SIGKILL')
    const result = await real(...args)
    if (left-- === 0) process.kill(process.pid, 'SIGKILL')
    return result
  }
}
const { adoptFolder } = require(${JSON.stringify(module)})
const [, , from, to] = process.argv
adoptFolder({ from, to, nameFor: ({ name }) => name, adopted: () => undefined })
  .catch((error) => { console.error(error); process.exit(1) })
`

function fill(folder: string): Map<string, string> {
  const bodies = new Map<string, string>()
  for (const uuid of ['A.1.1', 'B.1.1', 'C.1.1']) {
    const body = `Subject: ${uuid}\r\n\r\n${'x'.repeat(5000)}\r\n`
    const name = writeEntry(folder, { uuid, body, kept: uuid === 'C.1.1' })
    bodies.set(name, readFileSync(join(folder, name), 'latin1'))
  }
  return bodies
}

const deliverable = (folder: string): string[] =>
  readdirSync(folder).filter((name) => /^\d/u.test(name) || /^error\.\d/u.test(name))

/** A folder on another file system, where the machine has one. */
function elsewhere(): string | undefined {
  const shm = statSync('/dev/shm', { throwIfNoEntry: false })
  if (!shm || shm.dev === statSync(tempDir('device')).dev) return undefined
  const folder = mkdtempSync('/dev/shm/address-space-adopt-')
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('adoption of a queue', () => {
  for (const apart of [false, true]) {
    it(`killed at every point, ${apart ? 'between two file systems' : 'on one'}`, async function () {
      this.timeout(300_000)
      const other = apart ? elsewhere() : tempDir('dead')
      assert.ok(other !== undefined, 'expected /dev/shm as another file system')
      let points = 0
      for (let point = 0; ; point++) {
        const from = join(other, `queue-${point}`)
        const to = join(tempDir('living'), 'queue')
        mkdirSync(from)
        mkdirSync(to)
        const bodies = fill(from)
        const node = ['--require', 'tsx/cjs', '-e', program, String(point), from, to]
        const { signal, status, stderr } = spawnSync(process.execPath, node, { encoding: 'utf8' })
        // while it is interrupted: no entry in both folders
        for (const name of deliverable(to)) assert.ok(!readdirSync(from).includes(name), name)
        for (const name of deliverable(to)) {
          assert.equal(readFileSync(join(to, name), 'latin1'), bodies.get(name), name)
        }
        if (signal === null) {
          assert.equal(status, 0, stderr)
          assert.deepEqual(readdirSync(to).sort(), [...bodies.keys()].sort())
          break
        }
        points++
        await adoptFolder({ from, to, nameFor: ({ name }) => name, adopted: quiet })
        assert.deepEqual(readdirSync(to).sort(), [...bodies.keys()].sort(), `after point ${point}`)
        assert.deepEqual(readdirSync(from), [])
        for (const [name, body] of bodies) {
          assert.equal(readFileSync(join(to, name), 'latin1'), body)
        }
      }
      assert.ok(points > (apart ? 20 : 8), `${points} points`)
    })
  }

  it('gives new names, tells of each, and leaves what is no entry', async () => {
    const [from, to] = [tempDir('dead'), tempDir('living')]
    const name = writeEntry(from, { uuid: 'A.1.1', pid: 77 })
    writeFileSync(join(from, '__tmp__.half'), 'half')
    writeFileSync(join(from, 'notes.txt'), 'mine')
    const told: string[] = []
    const result = await adoptFolder({
      from,
      to,
      nameFor: (theirs) => theirs.name.replace('_77_', '_88_'),
      adopted: (mine) => void told.push(mine),
    })
    assert.deepEqual(told, [name.replace('_77_', '_88_')])
    assert.deepEqual(readdirSync(to), told)
    assert.deepEqual(result, { adopted: 1, kept: 0, left: ['__tmp__.half', 'notes.txt'] })
  })
})

describe('signs of life of a gateway', () => {
  function gateway(): { queue: string; control: string } {
    const queue = join(tempDir('other'), 'queue')
    const control = `${queue}.control`
    mkdirSync(queue)
    mkdirSync(control)
    return { queue, control }
  }

  it('its socket answers', async () => {
    const { queue, control } = gateway()
    const server = new ControlServer(control, log, () => Promise.resolve({ pid: 4 }))
    await server.start()
    assert.match((await signOfLife(queue)) ?? '', /it answers/u)
    server.stop()
    assert.equal(await signOfLife(queue), undefined)
  })

  it('its process lives, or is dead', async () => {
    const { queue, control } = gateway()
    const alive = (pid: number): void =>
      writeFileSync(join(control, 'alive.json'), JSON.stringify({ pid, host: hostname() }))
    alive(process.pid)
    assert.match((await signOfLife(queue)) ?? '', /its process \d+ lives/u)
    alive(4_000_000)
    assert.equal(await signOfLife(queue), undefined)
  })

  it('on another machine: a file that is touched', async () => {
    const { queue, control } = gateway()
    const path = join(control, 'alive.json')
    const write = (): void => writeFileSync(path, JSON.stringify({ pid: 1, host: 'elsewhere' }))
    write()
    assert.equal(await signOfLife(queue, { watching: 300 }), undefined)
    const timer = setInterval(write, 50)
    assert.match((await signOfLife(queue, { watching: 2000 })) ?? '', /elsewhere/u)
    clearInterval(timer)
  })

  it('a Haraka of this machine whose number an entry has', async () => {
    const { queue } = gateway()
    writeEntry(queue, { uuid: 'A.1.1', pid: process.pid, host: hostname() })
    // this test runs in a process that is not Haraka's
    assert.equal(await signOfLife(queue), undefined)
    const haraka = spawn('bash', ['-c', 'exec -a haraka sleep 60'])
    try {
      await once(haraka, 'spawn')
      writeEntry(queue, { uuid: 'A.2.1', pid: haraka.pid ?? 0, host: hostname() })
      await eventually(async () =>
        (await signOfLife(queue)) === undefined ? 'no sign of it' : undefined,
      )
      assert.equal(await signOfLife(queue, { own: new Set([haraka.pid ?? 0]) }), undefined)
    } finally {
      haraka.kill('SIGKILL')
    }
  })
})
