/** Each plugin is useful alone, and each pair is: with Haraka's own plugins in the others' place. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Catcher, send, startGateway, type GatewayProcess } from '../harness/haraka.js'

const acceptedDomains = 'address-space/accepted-domains'
const contacts = 'address-space/contacts'
const connectors = 'address-space/connectors'
const from = 'sender@client.example'

const directory = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna,DC=example",user,SMTP:anna@example.com,
"CN=Lotte,DC=example",contact,smtp:lotte@example.com,SMTP:lotte@remote.domain
`
// a queue plugin that tells the envelope it got
const recorder = `
const fs = require('node:fs')
exports.hook_queue = (next, connection) => {
  const to = connection.transaction.rcpt_to.map((address) => address.address)
  fs.appendFileSync(process.env.HARAKA + '/recorded', to.join(' ') + '\\n')
  next(OK)
}
`

describe('a part of the pack', () => {
  let unix: Catcher
  let remote: Catcher
  let mailbox: Catcher
  let gateway: GatewayProcess | undefined

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    remote = await Catcher.start({ host: '127.0.0.3' })
    mailbox = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
  })
  after(async () => {
    for (const catcher of [unix, remote, mailbox]) await catcher.stop()
  })
  afterEach(async () => {
    await gateway?.stop()
    for (const catcher of [unix, remote, mailbox]) catcher.reset()
  })

  async function start(plugins: string[], mailboxHost = true): Promise<GatewayProcess> {
    gateway = await startGateway({
      plugins,
      pluginFiles: { 'recorder.js': recorder },
      config: {
        host_list: 'example.com\nremote.domain\nother.example\n',
        'accepted-domains.ini': `
authoritative = example.local
shared = example.com, remote.domain
postmaster = anna@example.com
`,
        'directory.ini': `[corp]\nurl = file:contacts.csv\n${mailboxHost ? `mailbox_host = ${mailbox.smartHost}\n` : ''}`,
        'contacts.csv': directory,
        'connectors.ini': `
[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
allow_relay = true
[remote]
address_spaces = remote.domain
smart_hosts = ${remote.smartHost}
`,
      },
    })
    return gateway
  }

  async function codes(to: string[]): Promise<{ rcpt: string[]; data: number | undefined }> {
    assert.ok(gateway)
    const { rcpt, data } = await send(gateway, { from, to })
    return { rcpt: rcpt.map(({ code, enhanced }) => `${code} ${enhanced}`), data: data?.code }
  }

  const recorded = (): Promise<string> => readFile(join(gateway?.dir ?? '', 'recorded'), 'utf8')

  it('accepted-domains with another queue plugin', async () => {
    await start([acceptedDomains, 'recorder'])
    const to = ['anna@example.com', 'lotte@example.com', 'paul@example.com', 'x@example.local']
    assert.deepEqual(await codes(to), {
      rcpt: ['250 2.1.5', '250 2.1.5', '250 2.1.5', '550 5.1.1'],
      data: 250,
    })
    assert.equal(await recorded(), 'anna@example.com lotte@example.com paul@example.com\n')
  })

  it('contacts with another rcpt plugin and another queue plugin', async () => {
    await start(['rcpt_to.in_host_list', contacts, 'recorder'])
    const { data } = await codes(['anna@example.com', 'lotte@example.com', 'paul@example.com'])
    assert.equal(data, 250)
    assert.equal(await recorded(), 'anna@example.com lotte@remote.domain paul@example.com\n')
  })

  it('connectors as a router by domain', async () => {
    await start(['rcpt_to.in_host_list', connectors, 'recorder'])
    const { data } = await codes(['anna@example.com', 'x@remote.domain'])
    assert.equal(data, 250)
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['anna@example.com'])
    assert.deepEqual((await remote.waitFor(1))[0]?.to, ['x@remote.domain'])

    assert.equal((await codes(['y@other.example'])).data, 250)
    assert.equal(await recorded(), 'y@other.example\n')
  })

  it('asks what goes another way to come alone, and loses nothing', async () => {
    await start(['rcpt_to.in_host_list', connectors, 'recorder'])
    const { rcpt, data } = await codes(['anna@example.com', 'y@other.example'])
    assert.equal(rcpt[1], '450 4.5.3')
    assert.equal(data, 250)
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['anna@example.com'])
  })

  it('accepted-domains and contacts', async () => {
    await start([acceptedDomains, contacts, 'recorder'])
    assert.equal((await codes(['lotte@example.com', 'anna@example.com'])).data, 250)
    assert.equal(await recorded(), 'lotte@remote.domain anna@example.com\n')
  })

  it('accepted-domains and connectors', async () => {
    await start([acceptedDomains, connectors])
    const to = ['anna@example.com', 'paul@example.com', 'lotte@example.com', 'x@remote.domain']
    assert.deepEqual(await codes(to), {
      rcpt: ['250 2.1.5', '250 2.1.5', '250 2.1.5', '550 5.7.1'],
      data: 250,
    })
    assert.deepEqual((await mailbox.waitFor(1))[0]?.to, ['anna@example.com'])
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['paul@example.com', 'lotte@example.com'])
  })

  it('contacts and connectors', async () => {
    await start(['rcpt_to.in_host_list', contacts, connectors])
    assert.equal(
      (await codes(['anna@example.com', 'lotte@example.com', 'p@example.com'])).data,
      250,
    )
    assert.deepEqual((await mailbox.waitFor(1))[0]?.to, ['anna@example.com'])
    assert.deepEqual((await remote.waitFor(1))[0]?.to, ['lotte@remote.domain'])
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['p@example.com'])
  })

  it('all three, with mailboxes left to the next queue plugin', async () => {
    await start([acceptedDomains, contacts, connectors, 'recorder'], false)
    assert.equal((await codes(['anna@example.com'])).data, 250)
    assert.equal(await recorded(), 'anna@example.com\n')
    assert.equal((await codes(['paul@example.com', 'anna@example.com'])).rcpt[1], '450 4.5.3')
  })
})
