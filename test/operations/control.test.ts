/** The control socket: who answers, who may ask, and that every wait has an end. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'

import { askGateway } from '../../plugins/operations/control/control-client.js'
import { ControlServer } from '../../plugins/operations/control/control-server.js'
import { changePauses, Pauses, readPauses } from '../../plugins/operations/pauses.js'
import { tempDir } from '../harness/temp.js'

const quiet = (): void => undefined

function logTo(lines: string[]): ConstructorParameters<typeof ControlServer>[1] {
  const add = (message: string): void => {
    lines.push(message)
  }
  return { debug: quiet, info: quiet, notice: quiet, warn: add, error: add, crit: add }
}

async function serverIn(folder: string, log: string[] = []): Promise<ControlServer> {
  const server = new ControlServer(folder, logTo(log), (request, progress) => {
    switch (request.command) {
      case 'hello':
        return Promise.resolve({ gateway: 'gateway.example' })
      case 'flush':
        return Promise.reject(new Error('no disk'))
      case 'states':
        progress(1, 2)
        return Promise.resolve(['a'.repeat(500_000)])
      case 'pauses':
        return Promise.resolve(undefined)
      case 'retry':
      case 'return':
      case 'drop':
      case 'adopt':
        return Promise.resolve(request)
    }
  })
  await server.start()
  return server
}

async function raw(folder: string, text: string): Promise<string> {
  const socket = createConnection(join(folder, 'socket'))
  let got = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (got += chunk))
  socket.on('error', quiet)
  socket.write(text)
  await once(socket, 'close')
  return got
}

describe('the control socket', () => {
  let folder: string
  let server: ControlServer

  before(async () => {
    folder = tempDir('control')
    server = await serverIn(folder)
  })
  after(() => server.stop())

  it('answers, with progress and large answers, and hands errors on', async () => {
    assert.deepEqual(await askGateway(folder, { command: 'hello' }), { gateway: 'gateway.example' })
    const seen: number[] = []
    const result = await askGateway(folder, { command: 'states' }, (done) => seen.push(done))
    assert.equal((result as string[])[0]?.length, 500_000)
    assert.deepEqual(seen, [1])
    assert.equal(await askGateway(folder, { command: 'pauses' }), null)
    await assert.rejects(askGateway(folder, { command: 'flush' }), /no disk/u)
  })

  it('is for its owner alone', () => {
    assert.equal(statSync(join(folder, 'socket')).mode & 0o777, 0o600)
  })

  for (const [name, text, expected] of [
    [
      'another version',
      '{"version":2,"command":"hello"}\n',
      /expected version 1 .* got 2: .*restart/u,
    ],
    ['no JSON', 'hello\n', /"ok":false/u],
    ['no end', 'x'.repeat(5_000_000), /expected at most \d+ octets/u],
  ] as const) {
    it(`refuses ${name}`, async () => assert.match(await raw(folder, text), expected))
  }

  it('nobody there: undefined; a stale socket of a dead process is replaced', async function () {
    this.timeout(30_000)
    const other = tempDir('control')
    assert.equal(await askGateway(other, { command: 'hello' }), undefined)
    const child = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(join(other, 'socket'))}, () => console.log('up'))`,
    ])
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(existsSync(join(other, 'socket')))
    assert.equal(await askGateway(other, { command: 'hello' }), undefined)
    const log: string[] = []
    const replacing = await serverIn(other, log)
    assert.deepEqual(await askGateway(other, { command: 'hello' }), { gateway: 'gateway.example' })
    assert.deepEqual(log, [])
    replacing.stop()
    assert.equal(existsSync(join(other, 'socket')), false)
  })

  it('is left to the gateway that lives', async () => {
    const log: string[] = []
    const second = await serverIn(folder, log)
    assert.match(log.join('\n'), /another gateway, .*gateway\.example.* uses this queue folder/u)
    second.stop()
    assert.ok(existsSync(join(folder, 'socket')))
    assert.deepEqual(await askGateway(folder, { command: 'hello' }), { gateway: 'gateway.example' })
  })

  it('a folder with a long name', async () => {
    const long = join(tempDir('control'), 'x'.repeat(80), 'y'.repeat(80))
    mkdirSync(long, { recursive: true })
    const there = await serverIn(long)
    assert.deepEqual(await askGateway(long, { command: 'hello' }), { gateway: 'gateway.example' })
    there.stop()
  })

  it('one who keeps silent is not waited for, on either side', async function () {
    this.timeout(30_000)
    const [closed, other] = [raw(folder, ''), tempDir('control')]
    const silent = createServer(quiet).listen(join(other, 'socket'))
    await once(silent, 'listening')
    await assert.rejects(askGateway(other, { command: 'hello' }), /did not answer within 15 s/u)
    silent.close()
    assert.equal(await closed, '')
  })
})

describe('what is paused', () => {
  it('is kept on disk, ends by itself, and is told when it ends', () => {
    const folder = tempDir('control')
    const ended: string[] = []
    const pauses = new Pauses(folder, logTo([]), (place) => ended.push(place))
    assert.equal(pauses.paused('connector:unix'), undefined)
    changePauses(folder, (places) => {
      places.set('connector:unix', { reason: 'move', since: 1, by: 'root' })
      places.set('connector:old', { reason: 'past', since: 1, by: 'root', until: Date.now() - 1 })
      places.set('connector:short', {
        reason: 'a moment',
        since: 1,
        by: 'root',
        until: Date.now() + 50,
      })
    })
    pauses.refresh()
    assert.equal(pauses.paused('connector:unix')?.reason, 'move')
    assert.equal(pauses.paused('connector:short')?.reason, 'a moment')
    assert.equal(pauses.paused('connector:old'), undefined)
    assert.equal(new Pauses(folder, logTo([]), quiet).paused('connector:unix')?.reason, 'move')
    const end = Date.now() + 60
    while (Date.now() < end) pauses.paused('x')
    pauses.refresh()
    assert.deepEqual(ended, ['connector:short'])
    changePauses(folder, (places) => places.delete('connector:unix'))
    pauses.refresh()
    assert.deepEqual(ended, ['connector:short', 'connector:unix'])
    assert.deepEqual([...readPauses(folder)], [])
  })

  it('a file that cannot be read changes nothing, and is told once', () => {
    const folder = tempDir('control')
    const log: string[] = []
    changePauses(folder, (places) => {
      places.set('connector:unix', { reason: 'move', since: 1, by: 'root' })
    })
    const pauses = new Pauses(folder, logTo(log), quiet)
    writeFileSync(join(folder, 'paused.json'), '{')
    pauses.refresh()
    pauses.refresh()
    assert.equal(pauses.paused('connector:unix')?.reason, 'move')
    assert.equal(log.length, 1)
  })
})
