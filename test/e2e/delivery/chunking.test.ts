/**
 * A message for one recipient in one flight (CHUNKING, RFC 3030), through real Haraka to hosts that take
 * it, fail in every phase of it, or only say that they can; and what other mail has of that.
 */
import assert from 'node:assert/strict'

import { Exim } from '../../../scripts/servers/exim.js'
import { Postfix } from '../../../scripts/servers/postfix.js'
import { defaultExtensions, type Script } from '../../harness/fault-script.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { describeWithServers } from '../../servers.js'
import { eventually, startDeliveryGateway } from './faults.js'

const extensions = [...defaultExtensions, 'CHUNKING']
const from = 'a@sender.example'

describe('CHUNKING', function () {
  this.timeout(60_000)

  const hosts = new Map<string, FaultServer>()
  let gateway: GatewayProcess

  before(async () => {
    for (const name of ['takes', 'fails', 'lies', 'refuses', 'without', 'off']) {
      const offered = name === 'without' ? defaultExtensions : extensions
      const script: Script = name === 'lies' ? { bdat: 'unread' } : {}
      hosts.set(name, await FaultServer.start({ host: '127.0.0.2', extensions: offered, script }))
    }
    gateway = await startDeliveryGateway({
      ways: Object.fromEntries(
        [...hosts].map(([name, host]) => [
          name,
          {
            domains: [`${name}.example`],
            smartHosts: host.smartHost,
            settings: name === 'off' ? ['chunking = false'] : [],
          },
        ]),
      ),
    })
  })

  after(async () => {
    await gateway?.stop()
    for (const host of hosts.values()) await host.stop()
  })

  function hostOf(name: string): FaultServer {
    const host = hosts.get(name)
    assert.ok(host)
    return host
  }

  /** Sends a message for these and answers the client's last reply and the host. */
  async function sendTo(name: string, ...users: string[]) {
    const host = hostOf(name)
    const before = { messages: host.messages.length, seen: host.seen.length }
    const to = users.map((user) => `${user}@${name}.example`)
    const { data } = await send(gateway, { from, to })
    return { data, host, before }
  }

  const bodies: Record<string, Buffer> = {
    'ends its last line': Buffer.from('Subject: x\r\n\r\nbody\r\n'),
    'does not end its last line': Buffer.from('Subject: x\r\n\r\nbody'),
    'has lone dots': Buffer.from('Subject: x\r\n\r\n.\r\n..\r\n.a\r\n.\r\n'),
    'has octets beyond ASCII': Buffer.from('Subject: x\r\n\r\n\xe4\xff\x80\r\n', 'latin1'),
    'is long': Buffer.from(`Subject: x\r\n\r\n${'0123456789\r\n.9\r\n'.repeat(8000)}`),
    'is too long for one flight': Buffer.from(
      `Subject: x\r\n\r\n${'1234567890\r\n'.repeat(30_000)}`,
    ),
  }
  for (const [name, body] of Object.entries(bodies)) {
    it(`takes a message that ${name}`, async () => {
      await sendTo('takes', 'warm')
      const host = hostOf('takes')
      const { data } = await send(gateway, { from, to: ['ann@takes.example'], data: body })
      const stuffed = body.toString('latin1').replace(/^\./gmu, '..')
      const ended = stuffed.endsWith('\r\n') ? stuffed : `${stuffed}\r\n`
      assert.equal(data?.code, 250)
      const message = host.messages.at(-1)
      assert.ok(message)
      assert.equal(message.chunk, !name.startsWith('is too long'))
      assert.ok(message.wire.toString('latin1').endsWith(ended.slice(ended.indexOf('\r\n\r\n'))))
    })
  }

  it('is asked once whether it reads what it refuses, and then told MAIL, RCPT and BDAT at once', () => {
    const { commands } = hostOf('takes')
    assert.equal(commands.filter((line) => line.startsWith('BDAT 8 LAST')).length, 1)
    assert.equal(commands.includes('XCHUNK'), false)
  })

  it('is not used for several recipients, without the extension, or when it is switched off', async () => {
    for (const [name, users] of [
      ['takes', ['ann', 'bob']],
      ['without', ['ann']],
      ['off', ['ann']],
    ] as const) {
      const { data, host } = await sendTo(name, ...users)
      assert.equal(data?.code, 250)
      assert.equal(host.messages.at(-1)?.chunk, false, name)
    }
  })

  it('a host that takes chunks for commands is found out before it gets a message, and gets DATA', async () => {
    for (let n = 0; n < 3; n++) {
      const { data, host } = await sendTo('lies', 'ann')
      assert.equal(data?.code, 250)
      assert.equal(host.messages.at(-1)?.chunk, false)
    }
    const { commands, messages } = hostOf('lies')
    assert.equal(messages.length, 3)
    assert.equal(commands.filter((line) => line.startsWith('BDAT')).length, 1)
    assert.equal(
      commands.some((line) => line.startsWith('Subject')),
      false,
    )
  })

  it('a host that no longer understands BDAT gets the message by DATA, and is not asked again', async () => {
    await sendTo('refuses', 'warm')
    const host = hostOf('refuses')
    assert.equal(host.messages.at(-1)?.chunk, true)
    host.script = { bdat: { answer: '502 5.5.1 not implemented' } }
    const { data } = await sendTo('refuses', 'ann')
    assert.equal(data?.code, 250)
    await eventually(() =>
      host.messages.some(({ to }) => to[0] === 'ann@refuses.example') ? undefined : 'not there',
    )
    const chunks = host.commands.filter((line) => line.startsWith('BDAT')).length
    await sendTo('refuses', 'bob')
    assert.equal(host.messages.at(-1)?.to[0], 'bob@refuses.example')
    assert.equal(host.commands.filter((line) => line.startsWith('BDAT')).length, chunks)
  })

  const failures: readonly (readonly [
    name: string,
    script: Script,
    code: number,
    words: RegExp,
  ])[] = [
    ['MAIL refused', { mail: '550 5.7.1 not you' }, 550, /5\.7\.1.*not you/u],
    ['MAIL deferred', { mail: '451 4.3.0 not now' }, 450, /4\.3\.0.*not now/u],
    ['RCPT refused', { rcpt: () => '550 5.1.1 no such user' }, 550, /5\.1\.1.*no such user/u],
    ['the chunk refused', { dot: '552 5.3.4 too big' }, 550, /5\.3\.4.*too big/u],
    ['the chunk deferred', { dot: '452 4.3.1 disk full' }, 450, /4\.3\.1.*disk full/u],
  ]
  for (const [name, script, code, words] of failures) {
    it(`${name}: the client hears it, nothing is taken, and the session goes on`, async () => {
      const host = hostOf('fails')
      host.script = {}
      await sendTo('fails', 'warm')
      host.script = script
      const { data, before } = await sendTo('fails', 'ann')
      assert.equal(data?.code, code)
      assert.match(`${data.enhanced} ${data.text}`, words)
      assert.equal(host.messages.length, before.messages)
      host.script = {}
      const after = await sendTo('fails', 'bob')
      assert.equal(after.data?.code, 250)
      assert.equal(host.messages.at(-1)?.to[0], 'bob@fails.example')
    })
  }

  it('421 to MAIL on a session in use: sent at once on a fresh one', async () => {
    const host = hostOf('fails')
    host.script = {}
    await sendTo('fails', 'warm')
    let first = true
    host.script = {
      mail: () => {
        if (!first) return undefined
        first = false
        return { reply: '421 4.3.2 closing', next: 'close' }
      },
    }
    const { data, before } = await sendTo('fails', 'ann')
    assert.equal(data?.code, 250)
    assert.equal(host.messages.length, before.messages + 1)
    assert.equal(host.messages.at(-1)?.to[0], 'ann@fails.example')
  })

  it('no answer after the chunk is uncertain: queued, and not sent again at once', async () => {
    const host = hostOf('fails')
    host.script = {}
    await sendTo('fails', 'warm')
    host.script = { dot: 'close' }
    const { data, before } = await sendTo('fails', 'ann')
    assert.equal(data?.code, 250)
    assert.equal(host.seen.length, before.seen + 1)
    assert.ok(gateway.logLines.some((line) => /<ann@fails\.example> .* uncertain/u.test(line)))
    host.script = {}
    await sendTo('fails', 'bob')
    assert.equal(host.messages.at(-1)?.to[0], 'bob@fails.example')
  })
})

describeWithServers(['postfix', 'exim'], 'CHUNKING with Postfix and Exim', function () {
  this.timeout(90_000)

  let behind: FaultServer
  let postfix: Postfix
  let exim: Exim
  let gateway: GatewayProcess

  before(async () => {
    behind = await FaultServer.start({ host: '127.0.0.4' })
    postfix = await Postfix.start({
      host: '127.0.0.2',
      main: {
        relay_domains: 'postfix.example',
        relay_recipient_maps: 'inline:{{ joe@postfix.example = yes }}',
        relay_transport: `smtp:${behind.smartHost}`,
        debug_peer_list: '127.0.0.0/8',
      },
    })
    exim = await Exim.start({ host: '127.0.0.3', next: behind })
    gateway = await startDeliveryGateway({
      ways: {
        postfix: { domains: ['postfix.example'], smartHosts: postfix.smartHost },
        exim: { domains: ['exim.example'], smartHosts: exim.smartHost },
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([postfix?.remove(), exim?.remove(), behind?.stop()])
  })

  for (const name of ['postfix', 'exim']) {
    it(`${name} takes chunks, refuses an unknown recipient in one flight, and goes on`, async () => {
      const body = 'Subject: x\r\n\r\n.\r\n..two\r\nend\r\n'
      for (const [user, code] of [
        ['joe', 250],
        ['nobody', 550],
        ['joe', 250],
      ] as const) {
        const { data } = await send(gateway, { from, to: [`${user}@${name}.example`], data: body })
        assert.equal(data?.code, code, data?.text)
      }
      const got = () =>
        behind.messages
          .filter(({ to }) => to.includes(`joe@${name}.example`))
          .map(({ wire }) => wire)
      await eventually(() => (got().length === 2 ? undefined : `${got().length} there`))
      for (const wire of got())
        assert.match(wire.toString('latin1'), /\r\n\.\.\r\n\.\.\.two\r\nend\r\n$/u)
    })
  }

  it('they say themselves that it came as a chunk', () => {
    assert.match(postfix.log, /< .*BDAT \d+ LAST/u)
    // Exim marks it with a K
    assert.match(exim.log, /P=esmtp K /u)
  })
})
