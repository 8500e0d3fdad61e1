/** Reports that the pack or Haraka makes are decided and delivered like any other mail. */
import assert from 'node:assert/strict'

import { Catcher, send, startGateway, type GatewayProcess } from '../harness/haraka.js'

// what Haraka's own outbound does when a relayed message fails
const bouncer = `
exports.hook_mail = function (next, connection, [from]) {
  if (from.user !== 'bounce') return next()
  const text = 'From: <mailer-daemon@gateway.example>\\r\\nSubject: failed\\r\\n\\r\\nIt failed.\\r\\n'
  const outbound = this.haraka_require('outbound')
  outbound.send_email('<>', '<' + from.host.replace('.', '@') + '>', text, () => next())
}
`

describe('a report of the gateway itself', () => {
  let mailbox: Catcher
  let unix: Catcher
  let remote: Catcher
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    mailbox = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    unix = await Catcher.start({ host: '127.0.0.2' })
    remote = await Catcher.start({ host: '127.0.0.3' })
    gateway = await startGateway({
      plugins: [
        'bouncer',
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      pluginFiles: { 'bouncer.js': bouncer },
      config: {
        'accepted-domains.ini': `
shared = example.com, remote.domain
postmaster = anna@example.com
`,
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${mailbox.smartHost}\n`,
        'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,smtp:anna@example.com,
"CN=Lotte",contact,smtp:lotte@example.com,SMTP:Lotte@remote.domain
`,
        'connectors.ini': `
[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
allow_relay = true
[remote]
address_spaces = remote.domain, partner.example
smart_hosts = ${remote.smartHost}
`,
      },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const catcher of [mailbox, unix, remote]) await catcher.stop()
  })
  beforeEach(() => {
    for (const catcher of [mailbox, unix, remote]) catcher.reset()
  })

  /** Where reports to these senders arrive. */
  const places: [sender: string, place: () => Catcher, at: string][] = [
    ['anna@example.com', () => mailbox, 'anna@example.com'],
    ['lotte@example.com', () => remote, 'Lotte@remote.domain'],
    ['paul@example.com', () => unix, 'paul@example.com'],
    ['who@partner.example', () => remote, 'who@partner.example'],
  ]
  for (const [sender, place, at] of places) {
    it(`about a refused recipient reaches ${sender}`, async () => {
      unix.replyToRcpt('gone@example.com', '550 5.1.1 no such user')
      const to = ['gone@example.com', 'eva@example.com']
      const { data } = await send(gateway, { from: sender, to })
      assert.equal(data?.code, 250)
      const caught = (await place().waitFor(place() === unix ? 2 : 1)).at(-1)
      assert.deepEqual([caught?.from, caught?.to], ['', [at]])
      assert.match(caught?.raw.toString() ?? '', /Final-Recipient: rfc822; ?gone@example\.com/u)
    })

    it(`that Haraka made reaches ${sender}`, async () => {
      await send(gateway, { from: `bounce@${sender.replace('@', '.')}`, to: [] })
      const [caught] = await place().waitFor(1)
      assert.deepEqual([caught?.from, caught?.to], ['', [at]])
    })
  }
})
