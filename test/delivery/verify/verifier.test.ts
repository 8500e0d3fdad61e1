/** verify_recipients over SMTP, against hosts that go wrong: delivery without Haraka. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { Deliverer } from '../../../plugins/delivery/deliverer.js'
import type { Verification } from '../../../plugins/mail/verification.js'
import { FaultServer, type Script } from '../../harness/fault-server.js'
import { setupOf, silentLog } from '../setup.js'

const known = new Set(['postmaster@unix.example', 'anna@unix.example', 'bob@unix.example'])
const honest: Script = {
  rcpt: (address) => (known.has(address) ? undefined : '550 5.1.1 unknown'),
}
const madeUp = /^[\da-f-]{36}@/u

describe('asking a smart host about recipients', () => {
  let host: FaultServer
  let deliverer: Deliverer
  let hosts: string
  let settings: string
  let paused: string | undefined
  const lines: string[] = []

  beforeEach(async () => {
    host = await FaultServer.start({ script: honest })
    hosts = host.smartHost
    settings = 'tls = none'
    paused = undefined
    lines.length = 0
    const section = (): string =>
      `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${hosts}\n${settings}\n`
    const note = (line: string): void => void lines.push(line)
    const setup = setupOf({ connectors: section() })
    deliverer = new Deliverer({
      ...setup,
      paused: () => (paused === undefined ? undefined : { reason: paused }),
      connector: (name) => setupOf({ connectors: section() }).connector(name),
      env: { ...setup.env, log: { ...silentLog, notice: note, warn: note } },
    })
  })

  afterEach(async () => {
    await deliverer.close()
    await host.stop()
  })

  const verify = (recipient: string): Promise<Verification> => deliverer.verify('unix', recipient)
  const ask = async (recipient: string): Promise<string> => (await verify(recipient)).kind
  const askedAbout = (): string[] => [...host.memory.asked.keys()]
  const until = async (condition: () => boolean): Promise<void> => {
    const end = performance.now() + 10_000
    while (!condition()) {
      assert.ok(performance.now() < end, `not in time; the log: ${lines.join('\n')}`)
      await sleep(10)
    }
  }
  /** The background has found out what to believe. */
  const settled = (): Promise<void> => until(() => lines.length > 0)

  it('yes and no, each asked once; the null sender, and no DATA', async () => {
    assert.equal(await ask('anna@unix.example'), 'yes')
    const no = await verify('nobody@unix.example')
    assert.deepEqual(no, { kind: 'no', host: host.smartHost, words: '550 5.1.1 unknown' })
    assert.equal(await ask('bob@unix.example'), 'yes')
    const before = host.commands.length
    assert.equal(await ask('Anna@unix.example'), 'yes')
    assert.equal(await ask('nobody@unix.example'), 'no')
    assert.equal(host.commands.length, before)
    assert.ok(host.commands.includes('MAIL FROM:<>'))
    assert.ok(!host.commands.includes('DATA'))
  })

  it('ten at once are asked once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('anna@unix.example')))
    assert.deepEqual(new Set(answers), new Set(['yes']))
    assert.equal(host.memory.asked.get('anna@unix.example')?.length, 1)
  })

  it('the two addresses that a host is measured by are asked about once, in a session of their own', async () => {
    for (const name of ['anna', 'x', 'y', 'bob']) await ask(`${name}@unix.example`)
    await settled()
    assert.equal(askedAbout().filter((address) => madeUp.test(address)).length, 1)
    assert.equal(host.memory.asked.get('postmaster@unix.example')?.length, 1)
    assert.equal(host.connections, 2)
    assert.match(lines.join('\n'), /^verify_recipients: connector unix: .* tells addresses apart/u)
  })

  it('takes all: each is accepted, and nobody is asked about any more', async () => {
    host.change({})
    assert.equal(await ask('anna@unix.example'), 'yes')
    await settled()
    const before = host.commands.length
    assert.deepEqual(await verify('nobody@unix.example'), {
      kind: 'unknown',
      reason: 'the host takes every address, also one that cannot exist',
    })
    assert.equal(host.commands.length, before)
    assert.match(lines.join('\n'), /takes every address.*; its recipients are accepted unasked/u)
  })

  for (const words of ['550 relay not permitted', '550 5.7.64 TenantAttribution', '550 5.1.1 no']) {
    it(`refuses all, ${words}: about us, accepted, and asked no more`, async () => {
      host.change({ rcpt: () => words })
      assert.equal(await ask('anna@unix.example'), 'unknown')
      await settled()
      const before = host.commands.length
      const next = await verify('bob@unix.example')
      assert.ok(next.kind === 'unknown')
      assert.match(next.reason, /refuses every address, postmaster too/u)
      assert.equal(host.commands.length, before)
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', new RegExp(`refuses every address.*${words}`, 'u'))
    })
  }

  it('a place that is paused is not asked', async () => {
    paused = 'the host is being moved'
    assert.deepEqual(await verify('nobody@unix.example'), {
      kind: 'unknown',
      reason: 'paused: the host is being moved',
    })
    assert.equal(host.connections, 0)
  })

  it('Exchange Online refuses an unknown recipient in words of its own', async () => {
    const words = '550 5.4.1 Recipient address rejected: Access denied. AS(201806281)'
    host.change({ rcpt: (address) => (known.has(address) ? undefined : words) })
    assert.equal(await ask('nobody@unix.example'), 'no')
    assert.equal(await ask('anna@unix.example'), 'yes')
  })

  const about = (reply: string): Script => ({
    rcpt: (address) =>
      madeUp.test(address) ? '550 5.1.1 no' : address.startsWith('post') ? undefined : reply,
  })
  const unknown: [string, Script][] = [
    ['4xx', about('450 4.2.0 later')],
    ['a refusal that is not about the address', about('554 5.7.1 relaying denied')],
    ['a refusal of the null sender at RCPT', about('550 5.1.7 no bounces')],
    ['a refusal of the sender at RCPT', about('553 5.1.8 no such sender')],
    ['a full mailbox', about('552 5.2.2 mailbox full')],
    ['a refusal of the null sender', { mail: '550 5.7.1 no bounces' }],
    ['a host that closes', { mail: 'close' }],
    ['a host that is down', { banner: '421 4.3.2 down' }],
    ['garbage', { rcpt: () => ({ raw: '\0\r\n' }) }],
  ]
  for (const [name, script] of unknown) {
    it(`${name}: unknown`, async () => {
      host.change(script)
      assert.equal(await ask('anna@unix.example'), 'unknown')
    })
  }

  it('a mailbox that was closed is refused like an unknown one', async () => {
    host.change(about('550 5.2.1 the account is disabled'))
    assert.equal(await ask('anna@unix.example'), 'no')
  })

  it('a host that refuses the null sender is not left alone for that', async () => {
    host.change({ mail: '550 5.7.1 no bounces' })
    assert.equal(await ask('anna@unix.example'), 'unknown')
    assert.ok(deliverer.hosts().every(({ condition }) => condition === 'well'))
  })

  it('an address beyond ASCII is asked for with SMTPUTF8', async () => {
    const mail = (line: string) => (line.includes('SMTPUTF8') ? undefined : '501 5.5.4 no SMTPUTF8')
    host.change({
      mail,
      rcpt: (address) => (address === 'josé@unix.example' ? undefined : '550 5.1.1 no'),
    })
    assert.equal(await ask('josé@unix.example'), 'yes')
  })

  it('251 is yes, 550 without an enhanced code is no', async () => {
    host.change({ rcpt: (address) => (known.has(address) ? '251 will forward' : '550 who') })
    assert.equal(await ask('anna@unix.example'), 'yes')
    assert.equal(await ask('x@unix.example'), 'no')
  })

  it('a host that never answers: unknown within seconds', async function () {
    this.timeout(15_000)
    host.change({ rcpt: () => 'silent' })
    const start = performance.now()
    assert.equal(await ask('anna@unix.example'), 'unknown')
    assert.ok(performance.now() - start < 7000)
  })

  it('a tarpit: who asks first is not kept longer than five seconds, who asks next hears it; an existing one never waits', async function () {
    this.timeout(30_000)
    host.limits = { tarpit: 6000 }
    const start = performance.now()
    const first = verify('nobody@unix.example')
    assert.equal(await ask('anna@unix.example'), 'yes')
    assert.ok(performance.now() - start < 2000, 'not for the sake of a made-up one')
    assert.match(((await first) as { reason?: string }).reason ?? '', /the question goes on/u)
    const waited = performance.now() - start
    assert.ok(waited < 5900, `${waited} ms`)
    await settled()
    assert.match(lines.join('\n'), /takes 6(\.\d)? s to refuse one \(a tarpit\)/u)
    const next = performance.now()
    assert.equal(await ask('nobody@unix.example'), 'no')
    assert.ok(performance.now() - next < 2000)
  })

  it('a burst of unknown ones at a host that closes after 20 errors: every one is no', async function () {
    this.timeout(30_000)
    host.limits = { errors: 20 }
    const names = Array.from({ length: 70 }, (_, at) => `x${at}@unix.example`)
    const answers = await Promise.all(names.map(ask))
    assert.deepEqual(new Set(answers), new Set(['no']))
    assert.equal(host.memory.tooManyErrors, 0, 'no session is used up')
    assert.ok(host.memory.peak <= 10, `${host.memory.peak} of 20 sessions`)
  })

  it('a question that meets a closed session is asked once more on a fresh one', async () => {
    // it takes fewer errors than we are careful of, so that reused sessions do end
    host.limits = { errors: 4 }
    const answers: string[] = []
    for (let at = 0; at < 12; at++) answers.push(await ask(`x${at}@unix.example`))
    assert.deepEqual(new Set(answers), new Set(['no']))
    assert.ok(host.memory.tooManyErrors >= 2)
  })

  it('other hosts: what the old ones answered is forgotten', async () => {
    const other = await FaultServer.start({
      script: {
        rcpt: (address) => (/^(?:post|nobody@)/u.test(address) ? undefined : '550 5.1.1 no'),
      },
    })
    try {
      assert.equal(await ask('anna@unix.example'), 'yes')
      assert.equal(await ask('nobody@unix.example'), 'no')
      hosts = other.smartHost
      assert.equal(await ask('nobody@unix.example'), 'yes')
      assert.equal(await ask('anna@unix.example'), 'no')
    } finally {
      await other.stop()
    }
  })

  it('asked as somebody else: a host that refused everybody is asked again at once', async () => {
    host.change({ rcpt: () => '550 5.7.64 TenantAttribution; Relay Access Denied' })
    assert.equal(await ask('nobody@unix.example'), 'unknown')
    await settled()
    host.change(honest)
    assert.equal(await ask('nobody@unix.example'), 'unknown')
    settings = 'tls = none\nehlo_name = mx.example.com'
    assert.equal(await ask('nobody@unix.example'), 'no')
  })

  it('a connector that is gone: unknown', async () => {
    assert.equal((await deliverer.verify('gone', 'a@b.example')).kind, 'unknown')
  })

  it('made-up subdomains make one line an hour', async () => {
    host.change({ rcpt: () => '550 5.1.2 no such domain' })
    for (let at = 0; at < 5; at++) await ask(`a@s${at}.unix.example`)
    await settled()
    assert.equal(lines.length, 1)
  })

  it('addresses of the smart hosts', async () => {
    assert.deepEqual(await deliverer.addressesOf('unix'), [host.host])
    assert.deepEqual(await deliverer.addressesOf('gone'), [])
  })
})
