/**
 * One gateway and what comes back to it: fields that strangers make up count for nothing, redirects
 * that are no loops pass, once, and of a message that loops for some recipients the others are
 * delivered. The catchers stand for the other systems; a test plays what those send back.
 */
import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

import {
  Catcher,
  sampleMessage,
  send,
  SmtpClient,
  startGateway,
  type GatewayProcess,
} from '../../harness/haraka.js'
import { connector, drained, pack, sender, stranger } from './site.js'

const unixAddress = '127.0.0.2'
const natAddress = '127.0.0.8'
const proxyAddress = '127.0.0.7'
const people = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,SMTP:anna@example.com,
"CN=Eva",contact,smtp:eva@example.com,SMTP:eva@remote.domain
"CN=Internet User",contact,SMTP:internetUser@remote.domain;smtp:internetuser@xo.one,SMTP:internetUser@remote.domain
"CN=Dora",contact,smtp:dora@example.com,SMTP:dora@unix.example
`

describe('what comes back to a gateway', () => {
  let unix: Catcher
  let remote: Catcher
  let mailboxes: Catcher
  let home: Catcher
  let gateway: GatewayProcess
  const catchers = (): Catcher[] => [unix, remote, mailboxes, home]

  before(async function () {
    this.timeout(60_000)
    // Haraka's own, since the rest of the file has to be there too
    const ini = await readFile(require.resolve('haraka/config/connection.ini'), 'utf8')
    unix = await Catcher.start({ host: unixAddress })
    remote = await Catcher.start({ host: '127.0.0.3' })
    mailboxes = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    home = await Catcher.start({ host: '127.0.0.5' })
    gateway = await startGateway({
      host: '127.0.0.11',
      plugins: ['relay', 'auth/flat_file', ...pack],
      config: {
        'accepted-domains.ini': `shared = example.com, unix.example, remote.domain, xo.one
postmaster = anna@example.com\n`,
        'directory.ini': `[corp]\nurl = file:people.csv\nmailbox_host = ${mailboxes.smartHost}\n`,
        'people.csv': people,
        'connectors.ini': [
          connector('unix', 'example.com, unix.example', unix.smartHost),
          connector('remote', 'remote.domain, xo.one', remote.smartHost),
          connector('home', 'client.example', home.smartHost),
        ].join(''),
        'relay.ini': '[relay]\nacl=true\n',
        relay_acl_allow: '127.0.0.6/32\n',
        'auth_flat_file.ini': '[core]\nmethods=PLAIN\n[users]\nunix=secret\n',
        'connection.ini': ini.replace(/^hosts\[\] =$/mu, `hosts[] = ${proxyAddress}`),
      },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const catcher of catchers()) await catcher.stop()
  })
  beforeEach(() => {
    for (const catcher of catchers()) catcher.reset()
  })

  interface Back {
    readonly to: readonly string[]
    readonly data?: string | Uint8Array
    readonly from?: string
    /** the address that the other system sends from; one that no connector knows, unless told */
    readonly at?: string
  }
  /** Code and enhanced code that a client hears last. */
  async function hand({ to, data, from = sender, at = natAddress }: Back): Promise<unknown[]> {
    const mail = { from, to, localAddress: at, ...(data !== undefined && { data }) }
    const outcome = await send(gateway, mail)
    const last = outcome.data ?? outcome.rcpt.at(-1)
    return [last?.code, last?.enhanced]
  }
  const loop = [550, '5.4.6']
  const taken = [250, '2.0.0']

  /** The message as it came to the catcher, after a stranger sent it. */
  async function caught(catcher: Catcher, ...to: string[]): Promise<Buffer> {
    await hand({ to, at: stranger })
    const [message] = await catcher.waitFor(1)
    catcher.reset()
    return message?.raw ?? Buffer.of()
  }

  describe('fields that a stranger makes up', () => {
    const value = (token: string): string => `mx.example; ${token}`
    const fields: [what: string, make: (token: string) => string[]][] = [
      ['a forged one', () => [value('A'.repeat(22))]],
      ['a truncated one', (token) => [value(token.slice(0, -1))]],
      ['an empty one', () => ['']],
      ['one without a gateway', () => [`;;;${'-'.repeat(22)};`]],
      ['a repeated one, 500 times', () => Array<string>(500).fill(value('B'.repeat(22)))],
      ['one of 100 KB', () => [value(`${'C'.repeat(22)} `.repeat(4500))]],
      ['one of 100 KB, folded', () => [value(`${'D'.repeat(22)}\r\n\t`.repeat(4500)).trimEnd()]],
      ['one with octets that are no text', () => [value('\u00ff\u0001\u00fe'.repeat(22))]],
    ]
    for (const [what, make] of fields) {
      it(`${what}: the mail is treated as without it`, async () => {
        const to = ['paul@example.com']
        const real = await caught(unix, ...to)
        const token = /^X-Address-Space-Loop: \S+;\s+(\S+)/mu.exec(real.toString())?.[1] ?? ''
        const lines = make(token).map((text) => `X-Address-Space-Loop: ${text}\r\n`)
        const data = Buffer.from(lines.join('') + sampleMessage({ from: sender, to }), 'latin1')
        assert.deepEqual(await hand({ to, data, at: stranger }), taken)
        const [message] = await unix.waitFor(1)
        // the gateway's own stands first, so that the loop is found all the same
        assert.match(
          message?.raw.toString('latin1') ?? '',
          /^X-Address-Space-Loop: gateway\.example;/u,
        )
        assert.deepEqual(await hand({ to, data: message?.raw ?? '' }), loop)
      })
    }

    it('a real token for another recipient', async () => {
      const data = await caught(unix, 'paul@example.com')
      assert.deepEqual(await hand({ to: ['mary@example.com'], data }), taken)
    })
  })

  describe('redirects that are no loops', () => {
    it('to a third address of the shared domain, once', async () => {
      const data = await caught(unix, 'paul@example.com')
      assert.deepEqual(await hand({ to: ['eva@example.com'], data, at: unixAddress }), taken)
      const [redirected] = await remote.waitFor(1)
      assert.deepEqual(redirected?.to, ['eva@remote.domain'])
      const back = { data: redirected?.raw ?? '' }
      assert.deepEqual(await hand({ to: ['eva@example.com'], ...back }), loop)
      assert.deepEqual(await hand({ to: ['paul@example.com'], ...back }), loop)
      assert.deepEqual(await hand({ to: ['anna@example.com'], ...back }), taken)
    })

    it('a mailing list that resends, also to who was addressed beside it', async () => {
      const list = 'staff@unix.example'
      const data = await caught(unix, list, 'dora@example.com')
      const copy = `List-Id: Staff <staff.unix.example>\r\n${data.toString()}`
      const bounces = 'staff-bounces@unix.example'
      const members = ['dora@example.com', 'anna@example.com', 'eva@example.com']
      assert.deepEqual(
        await hand({ from: bounces, to: members, data: copy, at: unixAddress }),
        taken,
      )
      const [toDora] = await unix.waitFor(1)
      await Promise.all([remote.waitFor(1), mailboxes.waitFor(1)])
      await drained([gateway])
      assert.deepEqual(toDora?.to, ['dora@unix.example'])
      // the list's own copy, come back
      const again = toDora?.raw ?? ''
      assert.deepEqual(await hand({ from: bounces, to: ['dora@example.com'], data: again }), loop)
    })

    it('a contact and its own secondary address at the other side', async () => {
      // method 2: the reply to the secondary address, a user of the other side included
      for (const at of [stranger, '127.0.0.3']) {
        remote.reset()
        assert.deepEqual(await hand({ to: ['internetuser@xo.one'], at }), taken)
        const [message] = await remote.waitFor(1)
        assert.deepEqual(message?.to, ['internetUser@remote.domain'])
        const data = message?.raw ?? ''
        for (const to of ['internetuser@xo.one', 'internetUser@remote.domain']) {
          assert.deepEqual(await hand({ to: [to], data }), loop)
        }
      }
    })

    it('a recipient who became a mailbox between the two passages', async function () {
      this.timeout(30_000)
      const data = await caught(unix, 'moved@example.com')
      assert.deepEqual(await hand({ to: ['moved@example.com'], data }), loop)
      await gateway.writeConfig('people.csv', `${people}"CN=Moved",user,smtp:moved@example.com,\n`)
      await gateway.restart()
      assert.deepEqual(await hand({ to: ['moved@example.com'], data, at: unixAddress }), taken)
      const [message] = await mailboxes.waitFor(1)
      assert.deepEqual(message?.to, ['moved@example.com'])
    })
  })

  describe('a mailbox host that sends back', () => {
    it('gets a message for a mailbox once', async () => {
      const data = await caught(mailboxes, 'anna@example.com')
      assert.deepEqual(await hand({ to: ['anna@example.com'], data }), loop)
      assert.deepEqual(await hand({ to: ['paul@example.com'], data }), taken)
    })
  })

  describe('a message that loops for some of its recipients', () => {
    it('is delivered to the others, and reported once', async () => {
      const data = await caught(unix, 'paul@example.com')
      const to = ['paul@example.com', 'anna@example.com', 'mary@example.com']
      assert.deepEqual((await hand({ to, data }))[0], 250)
      const [report] = await home.waitFor(1)
      const [[anna], [mary]] = await Promise.all([mailboxes.waitFor(1), unix.waitFor(1)])
      await drained([gateway])
      assert.deepEqual([anna?.to, mary?.to], [['anna@example.com'], ['mary@example.com']])
      assert.equal(report?.from, '')
      const text = report?.raw.toString() ?? ''
      assert.match(text, /^Final-Recipient: rfc822; ?paul@example\.com/mu)
      assert.match(text, /^Status: 5\.4\.6/mu)
      assert.doesNotMatch(text, /^Final-Recipient: rfc822; ?(anna|mary)@/mu)
      assert.equal(home.messages.length, 1)
    })

    it('with an empty sender is kept, and not answered with more mail', async () => {
      const data = await caught(unix, 'paul@example.com')
      const to = ['paul@example.com', 'anna@example.com']
      assert.deepEqual((await hand({ from: '', to, data }))[0], 250)
      await mailboxes.waitFor(1)
      await drained([gateway])
      assert.deepEqual([home.messages, unix.messages], [[], []])
      const names = await readdir(join(gateway.dir, 'queue'))
      const kept = names.filter((name) => name.startsWith('error.'))
      assert.equal(kept.length, 1)
      assert.ok((await stat(join(gateway.dir, 'queue', kept[0] ?? ''))).size > data.length)
    })

    it('for a sender whose own address loops: the report ends there', async () => {
      const data = await caught(unix, 'paul@example.com')
      const to = ['paul@example.com', 'anna@example.com']
      assert.equal((await hand({ from: 'mary@example.com', to, data }))[0], 250)
      const [report] = await unix.waitFor(1)
      assert.deepEqual([report?.from, report?.to], ['', ['mary@example.com']])
      const back = { from: '', to: ['mary@example.com'], data: report?.raw ?? '' }
      assert.deepEqual(await hand(back), loop)
      await mailboxes.waitFor(1)
      await drained([gateway])
      assert.equal(unix.messages.length, 1)
    })
  })

  describe('an unknown recipient from the smart host of its connector', () => {
    const refused = [550, '5.1.1']

    it('is refused, authenticated or not', async () => {
      assert.deepEqual(await hand({ to: ['nobody@example.com'], at: unixAddress }), refused)
      const client = await SmtpClient.connect(gateway, { localAddress: unixAddress })
      await client.ehlo()
      assert.equal((await client.authPlain('unix', 'secret')).code, 235)
      await client.mail(sender)
      const { code, enhanced } = await client.rcpt('nobody@example.com')
      assert.deepEqual([code, enhanced], refused)
      await client.quit()
    })

    it('is refused behind a proxy, by the address that the proxy tells', async () => {
      const rcpt = async (ip: string): Promise<string> => {
        const { host, port } = gateway
        const socket = createConnection({ host, port, localAddress: proxyAddress })
        const lines = [
          `PROXY TCP4 ${ip} 127.0.0.11 40000 25`,
          'EHLO unix.example',
          `MAIL FROM:<${sender}>`,
          'RCPT TO:<nobody@example.com>',
          'QUIT',
        ]
        const replies = [/^220 .*\r\n/mu, /^250 .*\r\n/mu, /^250 .*\r\n/mu, /^\d{3} .*\r\n/mu]
        let text = ''
        let last = ''
        socket.write(`${lines.shift()}\r\n`)
        for await (const chunk of socket) {
          text += String(chunk)
          while (replies[0]?.test(text) === true) {
            last = replies[0].exec(text)?.[0] ?? ''
            text = text.slice(text.indexOf(last) + last.length)
            replies.shift()
            socket.write(`${lines.shift() ?? 'QUIT'}\r\n`)
          }
          if (replies.length === 0) break
        }
        return last.slice(0, 9)
      }
      assert.equal(await rcpt(unixAddress), '550 5.1.1')
      assert.equal(await rcpt('127.0.0.99'), '250 2.1.5')
    })

    it('passes for another recipient, who is a contact at the same system', async () => {
      assert.deepEqual(await hand({ to: ['dora@example.com'], at: unixAddress }), taken)
    })
  })
})
