/**
 * What `address-space queue` does in the folder of a gateway that does not run, and what that one makes
 * of it when it is started again.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { askGateway } from '../../../plugins/operations/control/control-client.js'
import type { QueueStates } from '../../../plugins/operations/queue/queue-control.js'
import { runCommand } from '../../cli/command.js'
import { FaultServer } from '../../harness/fault-server.js'
import type { GatewayProcess } from '../../harness/haraka.js'
import { writeEntry } from '../../operations/queue-folder.js'
import { eventually, startDeliveryGateway } from '../delivery/faults.js'

const hour = 3_600_000

describe('address-space queue, while no gateway runs', function () {
  this.timeout(60_000)
  let unix: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess

  beforeEach(async () => {
    unix = await FaultServer.start({ host: '127.0.0.2' })
    sender = await FaultServer.start({ host: '127.0.0.4' })
    gateway = await startDeliveryGateway({
      ways: {
        unix: { domains: ['unix.example'], smartHosts: unix.smartHost },
        sender: { domains: ['sender.example'], smartHosts: sender.smartHost },
      },
      config: { 'address-space.ini': '[journal]\n' },
    })
    await gateway.stop()
  })
  afterEach(async () => {
    await gateway.stop()
    await Promise.all([unix.stop(), sender.stop()])
  })

  const folder = (): string => join(gateway.dir, 'queue')

  function entry(number: number, more: Partial<Parameters<typeof writeEntry>[1]> = {}): string {
    const uuid = `5A6B7C8D-1111-2222-3333-00000000000${number}.1.1`
    writeEntry(folder(), {
      uuid,
      place: { kind: 'connector', connector: 'unix' },
      sender: 'a@sender.example',
      recipients: [`m${number}@unix.example`],
      next: Date.now() + hour,
      body: `Subject: m${number}\r\n\r\nsecret words\r\n`,
      ...more,
    })
    return uuid
  }

  async function done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(['queue', ...args, '-c', gateway.dir])
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }

  it('return: the entry is the report at once, which is delivered after the start', async () => {
    const [returned, stays] = [entry(1), entry(2)]
    assert.match(
      await done('return', returned),
      /no gateway runs, at its start <a@sender\.example>/u,
    )
    const names = readdirSync(folder())
    assert.equal(names.length, 2)
    for (const name of names) assert.equal(statSync(join(folder(), name)).mode & 0o777, 0o600)
    const left = JSON.parse(await done('list', 'unix', '--json')) as { id: string }[]
    assert.deepEqual(
      left.map(({ id }) => id),
      [stays],
    )
    await gateway.start()
    await eventually(() => (sender.messages.length === 1 ? undefined : 'no report'))
    const report = sender.messages[0]?.wire.toString() ?? ''
    assert.match(report, /^Final-Recipient: rfc822;m1@unix\.example\r$/mu)
    assert.match(report, /^Action: failed\r$/mu)
    assert.match(report, /returned by the administrator/u)
    assert.doesNotMatch(report, /secret words/u)
    assert.equal(unix.messages.length, 0)
    const day = new Date().toISOString().slice(0, 10)
    const journal = readFileSync(join(gateway.dir, 'journal', `${day}.ndjson`), 'utf8')
    for (const kind of ['returned', 'reported']) {
      assert.match(journal, new RegExp(`"kind":"${kind}".*${returned}`, 'u'))
    }
  })

  it('return: not without a sender, and not of what was kept', async () => {
    for (const [id, words] of [
      [entry(1, { sender: '' }), /its sender is <>/u],
      [entry(2, { kept: true }), /nobody can be told of it/u],
    ] as const) {
      const { code, stderr } = await runCommand(['queue', 'return', id, '-c', gateway.dir])
      assert.equal(code, 1)
      assert.match(stderr, words)
    }
    assert.equal(readdirSync(folder()).length, 2)
  })

  it('retry and drop: what is left goes out at the start', async () => {
    const [tried, dropped] = [entry(1), entry(2)]
    assert.match(await done('retry', tried), /at its start it tries 1 message at once/u)
    await done('drop', dropped, '--yes', dropped)
    await gateway.start()
    await eventually(() => (unix.messages.length === 1 ? undefined : 'not delivered'))
    assert.match(unix.messages[0]?.wire.toString() ?? '', /^Subject: m1\r$/mu)
    await eventually(() => (readdirSync(folder()).length === 0 ? undefined : 'not empty'))
    assert.equal(sender.messages.length, 0)
  })

  it('return and drop: not while a gateway lives that cannot be asked', async () => {
    const id = entry(1)
    await gateway.start()
    const control = join(gateway.dir, 'queue.control')
    await eventually(async () =>
      (await askGateway(control, { command: 'hello' })) === undefined ? 'no socket' : undefined,
    )
    rmSync(join(control, 'socket'))
    for (const args of [
      ['return', id],
      ['drop', id, '--yes', id],
    ]) {
      const { code, stderr } = await runCommand(['queue', ...args, '-c', gateway.dir])
      assert.equal(code, 1)
      assert.match(stderr, /a gateway lives that cannot be asked/u)
    }
    assert.equal(readdirSync(folder()).length, 1)
  })

  it('pause outbound:DOMAIN: what goes by its MX waits too', async () => {
    const since = Date.now()
    const place = { kind: 'outbound', domain: 'mx.example' }
    for (const [uuid, notes] of [
      ['A.1.1', { place }],
      ['B.1.1', {}],
    ] as const) {
      writeEntry(join(gateway.dir, 'queue'), {
        uuid,
        since,
        recipients: ['x@mx.example'],
        ...notes,
      })
    }
    await done('pause', 'outbound:mx.example', '--reason', 'a test')
    await gateway.start()
    const clock = async (): Promise<number[]> => {
      const states = await askGateway(join(gateway.dir, 'queue.control'), { command: 'states' })
      // its control socket comes after its port
      const { due = [] } = (states ?? {}) as Partial<QueueStates>
      return due.map(([, time]) => time - Date.now())
    }
    await eventually(async () => {
      const wait = (await clock()).filter((time) => time > 60_000)
      return wait.length === 2 ? undefined : wait.join(' ')
    })
    const shown = (JSON.parse(await done('list', '--json')) as { nextTry: string | null }[]).map(
      (one) => one.nextTry,
    )
    assert.deepEqual(shown, [null, null], 'not tried until it is resumed')
    await done('resume', 'outbound:mx.example')
    // it is on its way, or has been tried: nobody here has an MX
    await eventually(async () => {
      const held = (await clock()).filter((time) => time > 120_000)
      return held.length === 0 ? undefined : held.join(' ')
    })
  })
})
