/**
 * Faults that were found in use, over SMTP: what another plugin above ours must not hide, what is wrong
 * with a message as it comes, and recipients that only look the same.
 */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Catcher, sampleMessage, send, SmtpClient, startGateway } from '../harness/haraka.js'
import type { GatewayProcess } from '../harness/haraka.js'

const from = 'sender@client.example'
const relaying = '127.0.0.9'

/** Ends hooks before ours get to see them. */
const above = `
exports.register = function () {
  this.register_hook('data_post', 'yes', -90)
  this.register_hook('mail', 'yes', -90)
}
exports.yes = function (next, connection) {
  const { host } = connection.hello
  next(host === 'ends-hooks.example' ? OK : CONT)
}
`
const contacts = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,SMTP:anna@example.com,
`

describe('faults found in use', function () {
  this.timeout(60_000)
  let unix: Catcher
  let cloud: Catcher
  let boxes: Catcher
  let gateway: GatewayProcess

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    cloud = await Catcher.start({ host: '127.0.0.3' })
    boxes = await Catcher.start({ host: '127.0.0.4' })
    gateway = await startGateway({
      plugins: [
        'relay',
        'above',
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      pluginFiles: { 'above.js': above },
      config: {
        'relay.ini': '[relay]\nacl=true\n',
        relay_acl_allow: `${relaying}/32\n`,
        'accepted-domains.ini': 'shared = example.com\npostmaster = admin@example.com\n',
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${boxes.smartHost}\n`,
        'contacts.csv': contacts,
        'connectors.ini': `
[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
allow_relay = true
[everywhere]
address_spaces = *
smart_hosts = ${cloud.smartHost}
`,
      },
    })
  })
  after(async () => {
    await gateway.stop()
    await Promise.all([unix.stop(), cloud.stop(), boxes.stop()])
  })

  for (const helo of ['client.example', 'ends-hooks.example']) {
    it(`sees a loop, told by ${helo}`, async () => {
      const at = unix.messages.length
      await send(gateway, { from, to: ['walter@example.com'] })
      const message = (await unix.waitFor(at + 1))[at]
      assert.ok(message)
      const again = await send(gateway, {
        from,
        to: ['walter@example.com'],
        data: message.raw,
        helo,
      })
      assert.match(again.data?.text ?? '', /^550 5\.4\.6 /u)
    })

    for (const [what, body] of [
      ['before a dot', 'one\r.\r\nMAIL FROM:<x@evil.example>\r\n'],
      ['in the middle of a line', 'one\rtwo\r\n'],
      ['before the line end', 'one\r\r\n'],
      ['in a large body', `${'x'.repeat(76)}\r\n`.repeat(20_000) + 'a\rb\r\n'],
    ] as const) {
      it(`refuses a bare CR ${what}, told by ${helo}`, async () => {
        const at = unix.messages.length
        const data = `From: <${from}>\r\nSubject: x\r\n\r\n${body}`
        const outcome = await send(gateway, { from, to: ['walter@example.com'], data, helo })
        assert.match(outcome.data?.text ?? '', /^550 5\.6\.0 /u)
        assert.equal(unix.messages.length, at)
      })
    }
    it(`refuses a bare CR in the header, told by ${helo}`, async () => {
      const data = `From: <${from}>\r\nSubject: x\rBcc: y@evil.example\r\n\r\nbody\r\n`
      const outcome = await send(gateway, { from, to: ['walter@example.com'], data, helo })
      assert.match(outcome.data?.text ?? '', /^550 5\.6\.0 /u)
    })
  }

  it('takes a message whose lines end as they should', async () => {
    const at = unix.messages.length
    const data = `From: <${from}>\r\nSubject: folded\r\n text\r\n\r\n.\r\n..\r\nend\r\n`
    const outcome = await send(gateway, { from, to: ['walter@example.com'], data })
    assert.equal(outcome.data?.code, 250)
    await unix.waitFor(at + 1)
  })

  it('gives postmaster back to the host that has its mailbox', async () => {
    const at = unix.messages.length
    const outcome = await send(gateway, {
      from,
      to: ['postmaster@example.com'],
      localAddress: '127.0.0.2',
    })
    assert.equal(outcome.data?.code, 250)
    assert.deepEqual((await unix.waitFor(at + 1))[at]?.to, ['admin@example.com'])
  })

  it('lets Bob and bob of a foreign domain both have it, and one of ours once', async () => {
    const at = cloud.messages.length
    const logAt = gateway.logLines.length
    const to = ['Bob@foreign.example', 'bob@FOREIGN.example', 'bob@foreign.example']
    const outcome = await send(gateway, { from, to, localAddress: relaying })
    assert.equal(outcome.data?.code, 250)
    await cloud.waitFor(at + 1)
    // the catcher itself takes them for one, so the gateway's word is asked
    const told = gateway.logLines.slice(logAt).join('\n')
    assert.match(told, /<Bob@foreign\.example>.* delivered/u)
    assert.equal(told.match(/<bob@foreign\.example>.* delivered/giu)?.length, 2)

    const before = unix.messages.length
    await send(gateway, { from, to: ['Walter@example.com', 'walter@EXAMPLE.com'] })
    assert.equal((await unix.waitFor(before + 1))[before]?.to.length, 1)
  })

  it('keeps the log readable: a recipient forges no field', async () => {
    const at = gateway.logLines.length
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail(from)
    await client.rcpt('"x>\\"place=\\"other\\"observed=\\"y"@example.com')
    await client.quit()
    const [text] = await gateway.waitForLog(/^.* decision=shared .*$/u, 5000, at)
    assert.match(text, /recipient="\\"x>.*observed.*" place="connector:unix"$/u)
  })

  it('reloads whole or not at all: no new secret is made for a configuration that is refused', async () => {
    const config = join(gateway.dir, 'config')
    const connectors = (smartHost: string): string =>
      `[main]\nloop_secret_file = other.secret\n[unix]\naddress_spaces = example.com\nallow_relay = true\nsmart_hosts = ${smartHost}\n`
    const at = gateway.logLines.length
    writeFileSync(join(config, 'connectors.ini'), connectors(`[127.0.0.1]:${gateway.port}`))
    await gateway.waitForLog(/the last good configuration stays in force/u, 20_000, at)
    assert.equal(existsSync(join(config, 'other.secret')), false)
    // what only DNS tells comes after everything else
    writeFileSync(join(config, 'connectors.ini'), connectors(`[localhost]:${gateway.port}`))
    await gateway.waitForLog(
      /the last good configuration stays in force/u,
      20_000,
      gateway.logLines.length,
    )
    assert.equal(existsSync(join(config, 'other.secret')), false)

    const good = gateway.logLines.length
    writeFileSync(join(config, 'connectors.ini'), connectors(unix.smartHost))
    await gateway.waitForLog(/was read again and is in force/u, 20_000, good)
    assert.equal(existsSync(join(config, 'other.secret')), true)
    const data = sampleMessage({ from, to: ['walter@example.com'] })
    const outcome = await send(gateway, { from, to: ['walter@example.com'], data })
    assert.equal(outcome.data?.code, 250)
  })
})
