/**
 * The verbs of `address-space queue` on a gateway with two processes: each does what it says, no
 * message is lost or doubled by it. Killed in the middle: kills.test.ts; stopped: queue-stopped.test.ts.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand, type CommandRun } from '../../cli/command.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway } from '../delivery/faults.js'

const later = { rcpt: () => '450 4.2.1 come again' }

interface Row {
  readonly place: string
  readonly messages: number
  readonly recipients: number
  readonly state: { readonly kind: string; readonly reason?: string }
  readonly lastReply: string
}

interface Listed {
  readonly id: string
  readonly place: string
  readonly recipients: readonly { readonly recipient: string }[]
}

describe('address-space queue, with two processes', function () {
  this.timeout(120_000)
  let unix: FaultServer
  let partner: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    unix = await FaultServer.start({ host: '127.0.0.2' })
    partner = await FaultServer.start({ host: '127.0.0.3' })
    sender = await FaultServer.start({ host: '127.0.0.4' })
    gateway = await makeGateway()
  })
  after(async () => {
    await gateway.stop()
    await Promise.all([unix, partner, sender].map((server) => server.stop()))
  })
  beforeEach(async () => {
    unix.change({})
    partner.change({})
    await emptyQueue()
    for (const server of [unix, partner, sender]) server.messages.length = 0
  })

  function makeGateway(nodes = 2): Promise<GatewayProcess> {
    return startDeliveryGateway({
      nodes,
      logLevel: 'notice',
      ways: {
        unix: {
          domains: ['unix.example'],
          smartHosts: unix.smartHost,
          settings: ['retry = 1h', 'delivery = queue'],
        },
        partner: {
          domains: ['partner.example'],
          smartHosts: partner.smartHost,
          settings: ['retry = 1h'],
        },
        sender: { domains: ['sender.example'], smartHosts: sender.smartHost },
      },
      config: { 'address-space.ini': '[journal]\n' },
    })
  }

  function queue(...args: string[]): Promise<CommandRun> {
    return runCommand(['queue', ...args, '-c', gateway.dir])
  }

  async function done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await queue(...args)
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }

  async function rows(): Promise<Row[]> {
    return JSON.parse(await done('--json')) as Row[]
  }

  async function listed(): Promise<Listed[]> {
    return JSON.parse(await done('list', '--json')) as Listed[]
  }

  async function emptyQueue(): Promise<void> {
    await eventually(async () => {
      const left = await listed()
      for (const { id } of left) await queue('drop', id, '--yes', id)
      return left.length === 0 ? undefined : `${left.length} left`
    }, 60_000)
  }

  /** Messages that wait, since the host says not now. */
  async function waiting(count: number, domain = 'unix.example'): Promise<string[]> {
    const host = domain.startsWith('unix') ? unix : partner
    host.change(later)
    const before = gateway.log.match(/come again/gu)?.length ?? 0
    for (let number = 0; number < count; number++) {
      const to = `m${number}@${domain}`
      const data = `Subject: ${to}\r\nMessage-ID: <${to}>\r\n\r\nbody\r\n`
      const one = await send(gateway, { from: 'a@sender.example', to: [to], data })
      assert.equal(one.data?.code, 250)
    }
    await eventually(async () => {
      const tried = gateway.log.match(/come again/gu)?.length ?? 0
      return tried - before >= count ? undefined : `${tried - before} of ${count} tried`
    })
    await settled()
    return (await listed()).map(({ id }) => id)
  }

  /** Every entry has been tried and waits for its next try. */
  async function settled(): Promise<void> {
    let before = ''
    await eventually(async () => {
      const now = JSON.stringify(await listed())
      const same = now === before
      before = now
      return same ? undefined : 'the queue changes'
    })
  }

  const subjects = (server: FaultServer): string[] =>
    server.messages.map(({ wire }) => /^Subject: (.*)\r$/mu.exec(wire.toString())?.[1] ?? '').sort()

  async function delivered(server: FaultServer, count: number): Promise<void> {
    await eventually(() => {
      const { length } = server.messages
      return length >= count ? undefined : `${length} of ${count} delivered`
    }, 40_000)
    assert.equal(new Set(subjects(server)).size, count)
    assert.equal(server.messages.length, count)
  }

  it('shows each place with its state; show tells of an entry and its attempts', async () => {
    await waiting(3)
    const [unixRow] = (await rows()).filter(({ place }) => place === 'connector:unix')
    assert.equal(unixRow?.messages, readdirSync(join(gateway.dir, 'queue')).length)
    assert.ok(unixRow.messages >= 3)
    const [{ id } = { id: '' }] = await listed()
    const shown = await done('show', id)
    assert.match(shown, /^recipient +<.*@unix\.example>/mu)
    assert.match(shown, /^place +connector:unix$/mu)
    assert.match(shown, /^attempt .* deferred .* 450 4\.2\.1 come again/mu)
    assert.doesNotMatch(shown, /body/u)
  })

  it('retry PLACE and ID: now, and once', async () => {
    const ids = await waiting(4)
    unix.change({})
    assert.match(await done('retry', ids[0] ?? ''), /1 message is tried now/u)
    await delivered(unix, 1)
    await done('retry', 'unix')
    await delivered(unix, ids.length)
    await eventually(async () => ((await listed()).length === 0 ? undefined : 'not empty'))
  })

  it('pause: taken and not tried, over a restart, shown everywhere; resume: delivered', async () => {
    await done('pause', 'unix', '--reason', 'new disks')
    for (const to of ['p1@unix.example', 'p2@unix.example']) {
      const { data } = await send(gateway, { from: 'a@sender.example', to: [to] })
      assert.equal(data?.code, 250)
    }
    const other = await send(gateway, { from: 'a@sender.example', to: ['o@partner.example'] })
    assert.equal(other.data?.code, 250)
    await delivered(partner, 1)
    const [row] = (await rows()).filter(({ place }) => place === 'connector:unix')
    assert.deepEqual([row?.messages, row?.state], [2, { kind: 'paused', reason: 'new disks' }])
    const check = await runCommand(['check', '--offline', '-c', gateway.dir])
    assert.match(check.stdout, /connector:unix: is paused until it is resumed: new disks/u)
    const explained = await runCommand(['explain', 'p1@unix.example', '-c', gateway.dir])
    assert.match(explained.stdout, /paused +taken, and waits: new disks/u)
    const from = gateway.logLines.length
    await gateway.restart()
    await gateway.waitForLog(
      /connector:unix is paused until it is resumed: new disks/u,
      10_000,
      from,
    )
    await done('retry', 'unix')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    assert.equal(unix.messages.length, 0)
    await done('resume', 'unix')
    await eventually(() => (unix.messages.length === 2 ? undefined : 'not delivered'), 40_000)
  })

  it('pause --for: ends by itself', async () => {
    await done('pause', 'connector:unix', '--reason', 'a moment', '--for', '4s')
    await send(gateway, { from: 'a@sender.example', to: ['q@unix.example'] })
    assert.equal(unix.messages.length, 0)
    await eventually(() => (unix.messages.length === 1 ? undefined : 'not delivered'), 40_000)
    assert.deepEqual(
      (await rows()).filter(({ state }) => state.kind === 'paused'),
      [],
    )
  })

  it('return: a report to the sender now, and nothing else of it', async () => {
    const [id = '', ...others] = await waiting(2)
    assert.match(await done('return', id), /is told/u)
    await eventually(() => (sender.messages.length === 1 ? undefined : 'no report'))
    const report = sender.messages[0]?.wire.toString() ?? ''
    assert.match(report, /^Action: failed\r$/mu)
    assert.match(report, /returned by the administrator/u)
    assert.deepEqual((await listed()).map((one) => one.id).toSorted(), others.toSorted())
    unix.change({})
    await done('retry', 'unix')
    await delivered(unix, others.length)
  })

  it('drop: only after the id has been typed once more', async () => {
    const [id = ''] = await waiting(1)
    const wrong = await runCommand(['queue', 'drop', id, '-c', gateway.dir], { input: 'yes\n' })
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /expected .* got yes: nothing is dropped/u)
    const silent = await runCommand(['queue', 'drop', id, '-c', gateway.dir])
    assert.equal(silent.code, 1)
    const right = await runCommand(['queue', 'drop', id, '-c', gateway.dir], { input: `${id}\n` })
    assert.equal(right.code, 0, right.stderr)
    assert.ok(!(await listed()).some((one) => one.id === id))
    assert.equal(sender.messages.length, 0)
  })

  it('adopt: refused while the other gateway lives; then each entry once', async () => {
    const other = await makeGateway(0)
    try {
      unix.change(later)
      for (let number = 0; number < 5; number++) {
        const to = [`a${number}@unix.example`, `b${number}@partner.example`]
        const data = `Subject: s${number}\r\n\r\nbody\r\n`
        const { data: reply } = await send(other, { from: 'a@sender.example', to, data })
        assert.equal(reply?.code, 250)
      }
      await eventually(() => (partner.messages.length === 5 ? undefined : 'not yet'))
      const alive = await queue('adopt', other.dir)
      assert.equal(alive.code, 1)
      assert.match(alive.stderr, /lives/u)
      await other.kill()
      unix.change({})
      assert.match(await done('adopt', join(other.dir, 'queue')), /5 messages adopted/u)
      await delivered(unix, 5)
      assert.deepEqual(subjects(unix), ['s0', 's1', 's2', 's3', 's4'])
      assert.equal(partner.messages.length, 5)
    } finally {
      await other.stop()
    }
  })

  it('errors say what to do', async () => {
    for (const [args, expected] of [
      [['show', 'nonsense'], /expected the id of an entry in the queue, got nonsense/u],
      [['pause', 'nowhere', '--reason', 'x'], /expected a place, got nowhere/u],
      [['pause', 'unix', '--reason', 'x', '--for', 'ever'], /--for: expected a time such as/u],
      [['resume', 'unix'], /expected a place that is paused, got unix \(paused: none is\)/u],
      [['adopt', '/nowhere'], /expected the queue folder of another gateway, got \/nowhere/u],
      [['adopt', '.'], /expected the queue folder of a gateway, got .*, which has no entries/u],
    ] as const) {
      const { code, stderr } = await queue(...args)
      assert.equal(code, 1, args.join(' '))
      assert.match(stderr, expected)
    }
    assert.equal((await queue('pause', 'unix')).code, 2)
  })
})
