/** Every row of the decision table, asked of a real gateway over SMTP: code and enhanced code. */
import assert from 'node:assert/strict'

import { Catcher, send, SmtpClient, startGateway, type Gateway } from '../harness/haraka.js'

const stranger = '127.0.0.1'
const unixAddress = '127.0.0.2'
const partnerAddress = '127.0.0.5'
const relaying = '127.0.0.9'

const contacts = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna,DC=example",user,SMTP:anna@example.com;smtp:anna@example.local,
"CN=Admin,DC=example",user,SMTP:admin@example.local,
"CN=Internet User,DC=xo,DC=one",contact,SMTP:internetUser@remote.domain; smtp:internetuser@xo.one,SMTP:internetUser@remote.domain
"CN=Chain,DC=example",contact,smtp:chain@example.com,SMTP:internetuser@xo.one
"CN=Lost,DC=example",contact,smtp:lost@example.com,SMTP:lost@nowhere.example
"CN=Unusable,DC=example",contact,smtp:unusable@example.com,
"CN=Circle A,DC=example",contact,smtp:a@example.com,SMTP:b@example.com
"CN=Circle B,DC=example",contact,smtp:b@example.com,SMTP:a@example.com
"CN=Twin 1,DC=example",user,smtp:twin@example.com,
"CN=Twin 2,DC=example",user,smtp:twin@example.com,
`
const domains = `
authoritative = example.local, xo.one
shared = example.com, remote.domain, closed.example
relay = partner.example
observe = watched.example
postmaster = admin@example.local
recipient_delimiter = +
`

type Row = [what: string, recipient: string, from: string, code: number, enhanced: string]

const rows: Row[] = [
  ['in no accepted domain, a stranger', 'who@foreign.example', stranger, 550, '5.7.1'],
  ['in no accepted domain, may relay', 'who@foreign.example', relaying, 250, '2.1.5'],
  ['a mailbox', 'anna@example.com', stranger, 250, '2.1.5'],
  ['a mailbox, any case and quoted', '"ANNA"@EXAMPLE.com', stranger, 250, '2.1.5'],
  ['a mailbox with a tag', 'anna+shop@example.local', stranger, 250, '2.1.5'],
  ['a contact', 'internetuser@xo.one', stranger, 250, '2.1.5'],
  ['a contact of a contact', 'chain@example.com', stranger, 250, '2.1.5'],
  ['a contact whose target no connector takes', 'lost@example.com', stranger, 450, '4.4.4'],
  ['the same for a relaying client', 'lost@example.com', relaying, 450, '4.4.4'],
  ['contacts in a circle', 'a@example.com', stranger, 550, '5.4.6'],
  ['a contact without a target', 'unusable@example.com', stranger, 550, '5.1.1'],
  ['unknown, authoritative', 'nobody@example.local', stranger, 550, '5.1.1'],
  ['unknown, authoritative, may relay', 'nobody@example.local', relaying, 550, '5.1.1'],
  ['unknown, shared', 'nobody@example.com', stranger, 250, '2.1.5'],
  ['unknown, shared, may relay', 'nobody@example.com', relaying, 250, '2.1.5'],
  ['unknown, observed', 'nobody@watched.example', stranger, 250, '2.1.5'],
  ['unknown, shared, closed to strangers', 'nobody@closed.example', stranger, 550, '5.7.1'],
  ['the same for who may relay', 'nobody@closed.example', relaying, 250, '2.1.5'],
  ['unknown, shared, from its smart host', 'nobody@example.com', unixAddress, 550, '5.1.1'],
  ['a contact from that smart host', 'chain@example.com', unixAddress, 250, '2.1.5'],
  ['a relay domain', 'who@partner.example', stranger, 250, '2.1.5'],
  ['a relay domain, from its smart host', 'who@partner.example', partnerAddress, 550, '5.1.1'],
  ['two objects', 'twin@example.com', stranger, 450, '4.1.4'],
  ['postmaster of an accepted domain', 'Postmaster@example.com', stranger, 250, '2.1.5'],
  ['postmaster of an authoritative domain', 'postmaster@example.local', stranger, 250, '2.1.5'],
  ['the bare postmaster', 'postmaster', stranger, 250, '2.1.5'],
  ['postmaster of another domain', 'postmaster@foreign.example', stranger, 550, '5.7.1'],
]

const plugins = [
  'relay',
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]
const relay = { 'relay.ini': '[relay]\nacl=true\n', relay_acl_allow: `${relaying}/32\n` }

describe('the decision table over SMTP', () => {
  let unix: Catcher
  let gateway: Gateway

  before(async function () {
    this.timeout(60_000)
    unix = await Catcher.start({ host: unixAddress })
    gateway = await startGateway({
      plugins,
      config: {
        ...relay,
        'accepted-domains.ini': domains,
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.4]:24\n`,
        'contacts.csv': contacts,
        'connectors.ini': `
[unix]
address_spaces = example.com, watched.example
smart_hosts = ${unix.smartHost}
allow_relay = true
[remote]
address_spaces = remote.domain
smart_hosts = [127.0.0.3]:2525
allow_relay = true
[partner]
address_spaces = partner.example
smart_hosts = [${partnerAddress}]:2525
allow_relay = true
[closed]
address_spaces = closed.example
smart_hosts = [127.0.0.6]:2525
`,
      },
    })
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  for (const [what, recipient, localAddress, code, enhanced] of rows) {
    it(`${what}: ${code} ${enhanced}`, async () => {
      const client = await SmtpClient.connect(gateway, { localAddress })
      await client.ehlo()
      await client.mail('sender@client.example')
      const reply = await client.rcpt(recipient)
      await client.quit()
      assert.deepEqual([reply.code, reply.enhanced], [code, enhanced], reply.text)
      assert.doesNotMatch(reply.text, /internetUser@remote\.domain|CN=/u)
    })
  }

  it('answers each recipient of a transaction on its own', async () => {
    const to = rows.filter(([, , from]) => from === stranger).map(([, recipient]) => recipient)
    const { rcpt } = await send(gateway, { from: 'sender@client.example', to })
    assert.deepEqual(
      rcpt.map((reply) => reply.code),
      rows.filter(([, , from]) => from === stranger).map(([, , , code]) => code),
    )
  })

  it('logs each decision as one line', async () => {
    const from = gateway.logLines.length
    const to = ['chain@example.com', 'twin@example.com']
    await send(gateway, { from: 'sender@client.example', to })
    const chain =
      /decision=contact recipient=<chain@example\.com> place=connector:remote directory=corp chain=chain@example\.com>internetuser@xo\.one>internetUser@remote\.domain/u
    await gateway.waitForLog(chain, 5000, from)
    await gateway.waitForLog(/decision=ambiguous .* reply="450 4\.1\.4" .*CN=Twin 1/u, 5000, from)
  })
})

describe('the decision table without an answer from the directory', () => {
  let gateway: Gateway

  before(async function () {
    this.timeout(60_000)
    gateway = await startGateway({
      plugins,
      config: {
        ...relay,
        'accepted-domains.ini': domains,
        // the file knows Anna; for all others the second directory would have to be asked
        'directory.ini': `
[corp]
url = file:contacts.csv
[down]
url = ldap://127.0.0.1:1
base_dn = DC=example
timeout = 1
`,
        'contacts.csv': contacts,
        'connectors.ini': `
[all]
address_spaces = example.com, watched.example, remote.domain, partner.example, closed.example
smart_hosts = [127.0.0.2]:2525
allow_relay = true
`,
      },
    })
  })
  after(() => gateway.stop())

  const cases: [recipient: string, code: number, enhanced: string][] = [
    ['anna@example.com', 250, '2.1.5'],
    ['nobody@example.com', 450, '4.4.3'],
    ['nobody@example.local', 450, '4.4.3'],
    ['who@partner.example', 250, '2.1.5'],
    ['postmaster@example.com', 450, '4.4.3'],
    ['postmaster', 250, '2.1.5'],
    ['who@foreign.example', 550, '5.7.1'],
  ]
  for (const [recipient, code, enhanced] of cases) {
    it(`${recipient}: ${code} ${enhanced}`, async () => {
      const { rcpt } = await send(gateway, { from: 'sender@client.example', to: [recipient] })
      assert.deepEqual([rcpt[0]?.code, rcpt[0]?.enhanced], [code, enhanced], rcpt[0]?.text)
    })
  }
})
