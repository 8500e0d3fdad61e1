/** `probe` against other systems that know their users, take everything, or send mail back. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '../../cli/command.js'
import { freePort } from '../../../plugins/stage/free-port.js'
import { FaultServer } from '../../harness/fault-server.js'
import { Catcher, send, startGateway, type GatewayProcess } from '../../harness/haraka.js'

describe('address-space probe', function () {
  this.timeout(60_000)
  let unix: Catcher
  let gateway: GatewayProcess
  let log: string
  let sendsBack = false

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'accepted-domains.ini': 'shared = example.com\npostmaster = admin@example.com\n',
        'directory.ini': '[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.4]:24\n',
        'contacts.csv': 'dn,objectClass,proxyAddresses\ncn=Admin,user,SMTP:admin@example.com\n',
        'connectors.ini': `[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
allow_relay = true
[everything]
address_spaces = *
smart_hosts = ${unix.smartHost}
[down]
address_spaces = down.example
smart_hosts = [127.0.0.2]:1
`,
      },
    })
    log = join(gateway.dir, 'haraka.log')
    writeFileSync(log, '')
    gateway.onLine((line) => appendFileSync(log, `${line}\n`))
    unix.onMessage(({ to, raw }) => {
      if (!sendsBack) return
      const mail = { from: '', to, data: raw, localAddress: unix.host }
      send(gateway, mail).catch((error: unknown) => console.error(error))
    })
  })
  afterEach(() => {
    unix.reset()
    sendsBack = false
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  const probe = (...args: string[]) => runCommand(['probe', ...args, '--config', gateway.dir])

  it('a system that knows its users is authoritative', async () => {
    unix.replyToRcpt('*', '550 5.1.1 no such user')
    unix.replyToRcpt('postmaster@example.com', '250 2.1.5 ok')
    const { code, stdout } = await probe('unix')
    assert.equal(code, 0, stdout)
    assert.match(
      stdout,
      /^\[127\.0\.0\.2\]:\d+, example\.com: authoritative\n {2}550 5\.1\.1[^]*tells addresses apart/u,
    )
  })

  it('one that takes all accepts everything, and nothing is sent', async () => {
    const { code, stdout } = await probe('unix')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /: accepts everything\n/u)
    assert.equal(unix.messages.length, 0)
  })

  it('one that refuses this gateway is told as such, with what to do', async () => {
    unix.replyToRcpt('*', '550 5.7.64 TenantAttribution; Relay Access Denied')
    const { code, stdout } = await probe('unix')
    assert.equal(code, 1, stdout)
    assert.match(stdout, /: refuses everybody\n[^]*about this gateway[^]*inbound connector/u)
  })

  it('one without postmaster cannot be told apart, unless somebody is named who exists', async () => {
    unix.replyToRcpt('*', '550 5.1.1 no such user')
    unix.replyToRcpt('anna@example.com', '250 2.1.5 ok')
    const { code, stdout } = await probe('unix')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /: refuses everybody\n[^]*postmaster@example\.com too[^]*--existing/u)
    const named = await probe('unix', '--existing', 'anna@example.com')
    assert.match(named.stdout, /: authoritative\n/u)
  })

  it('says how long a tarpit is', async () => {
    const tarpit = await FaultServer.start({
      host: '127.0.0.2',
      port: await freePort('127.0.0.2'),
      limits: { tarpit: 2000 },
      script: { rcpt: (address) => (address.startsWith('post') ? undefined : '550 5.1.1 no') },
    })
    const file = join(gateway.configDir, 'connectors.ini')
    const before = readFileSync(file, 'utf8')
    try {
      writeFileSync(file, before.replace(unix.smartHost, tarpit.smartHost))
      const { stdout } = await probe('unix')
      assert.match(stdout, /: authoritative\n[^]*takes 2(\.\d)? s to refuse one \(a tarpit\)/u)
    } finally {
      writeFileSync(file, before)
      await tarpit.stop()
    }
  })

  it('sends a message from nobody, and sees that it does not come back', async () => {
    const args = ['unix', '--send', '--log', log, '--wait', '1', '--json']
    const { code, stdout, stderr } = await probe(...args)
    assert.equal(code, 0, stdout + stderr)
    const result = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual(
      [result['verdict'], result['sent'], result['returned']],
      ['takes all', true, false],
    )
    assert.equal(unix.messages[0]?.from, '')
    assert.match(unix.messages[0]?.to[0] ?? '', /^probe-[\w-]+@example\.com$/u)
  })

  it('a system that refuses after the message is authoritative too', async () => {
    unix.replyToData('*', '550 5.1.1 no such user')
    const { stdout } = await probe('unix', '--send')
    assert.match(stdout, /: authoritative\n {2}550 5\.1\.1[^]*only when it has the message/u)
  })

  it('sees a message that is sent back', async () => {
    sendsBack = true
    const { code, stdout } = await probe('unix', '--send', '--log', log)
    assert.equal(code, 1, stdout)
    assert.match(stdout, /: sends mail back\n[^]*Forward all mail with unresolved/u)
    await gateway.waitForLog(/decision=came-from-there recipient="probe-/u)
  })

  const wrong: [args: string[], pattern: RegExp][] = [
    [['down'], /no answer\n.*ECONNREFUSED/u],
    [['other'], /expected a connector of connectors\.ini \(unix, everything, down\), got other/u],
    [['everything'], /serves every domain \(\*\)/u],
    [['unix', '--log', 'x'], /expected --send with --log/u],
  ]
  for (const [args, pattern] of wrong) {
    it(`ends with 1: probe ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await probe(...args)
      assert.equal(code, 1)
      assert.match(stdout + stderr, pattern)
    })
  }
})
