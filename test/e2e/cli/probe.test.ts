/** `probe` against other systems that know their users, take everything, or send mail back. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '../../cli/command.js'
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
    const { code, stdout } = await probe('unix')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^\[127\.0\.0\.2\]:\d+, example\.com: authoritative\n {2}550 5\.1\.1/u)
  })

  it('one that takes all accepts everything, and nothing is sent', async () => {
    const { code, stdout } = await probe('unix')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /: accepts everything\n/u)
    assert.equal(unix.messages.length, 0)
  })

  it('one that refuses this gateway is not taken for authoritative', async () => {
    unix.replyToRcpt('*', '550 5.7.1 relaying denied')
    const { stdout } = await probe('unix')
    assert.match(stdout, /: refuses\n/u)
  })

  it('sends a message from nobody, and sees that it does not come back', async () => {
    const args = ['unix', '--send', '--log', log, '--wait', '1', '--json']
    const { code, stdout, stderr } = await probe(...args)
    assert.equal(code, 0, stdout + stderr)
    const result = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual(
      [result['verdict'], result['sent'], result['returned']],
      ['accepts', true, false],
    )
    assert.equal(unix.messages[0]?.from, '')
    assert.match(unix.messages[0]?.to[0] ?? '', /^probe-[\w-]+@example\.com$/u)
  })

  it('a system that refuses after the message is authoritative too', async () => {
    unix.replyToData('*', '550 5.1.1 no such user')
    const { stdout } = await probe('unix', '--send')
    assert.match(stdout, /: authoritative\n {2}550 5\.1\.1/u)
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
