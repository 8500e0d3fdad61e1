/** The three plugins together: where mail goes, over SMTP, with catchers as the other systems. */
import assert from 'node:assert/strict'

import {
  Catcher,
  sampleMessage,
  send,
  startGateway,
  type GatewayProcess,
} from '../harness/haraka.js'

const allPlugins = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]

const contacts = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna,DC=example",user,SMTP:anna@example.com;smtp:anna.berg@example.com,
"CN=Admin,DC=example",user,SMTP:admin@example.local,
"CN=Lotte,DC=example",contact,SMTP:lotte@remote.domain;smtp:lotte@example.com;smtp:lo@example.com,SMTP:Lotte@remote.domain
"CN=To Anna,DC=example",contact,smtp:to-anna@example.com,SMTP:anna@example.com
`
const domains = `
authoritative = example.local
shared = example.com, remote.domain
postmaster = admin@example.local
recipient_delimiter = +
`

interface Site {
  readonly gateway: GatewayProcess
  readonly mailbox: Catcher
  readonly unix: Catcher
  readonly remote: Catcher
}

async function startSite(options: { nodes?: number } = {}): Promise<Site> {
  const mailbox = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
  const unix = await Catcher.start({ host: '127.0.0.2' })
  const remote = await Catcher.start({ host: '127.0.0.3' })
  const gateway = await startGateway({
    ...options,
    plugins: allPlugins,
    config: {
      'accepted-domains.ini': domains,
      'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${mailbox.smartHost}\n`,
      'contacts.csv': contacts,
      'connectors.ini': `
[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
allow_relay = true
[remote]
address_spaces = remote.domain
smart_hosts = ${remote.smartHost}
allow_relay = true
`,
    },
  })
  return { gateway, mailbox, unix, remote }
}

async function stopSite({ gateway, ...catchers }: Site): Promise<void> {
  await gateway.stop()
  for (const catcher of Object.values(catchers)) await catcher.stop()
}

const from = 'sender@client.example'

for (const nodes of [0, 2]) {
  describe(`the mail switch${nodes > 0 ? ` with nodes=${nodes}` : ''}`, () => {
    let site: Site

    before(async function () {
      this.timeout(60_000)
      site = await startSite({ nodes })
    })
    after(() => stopSite(site))
    beforeEach(() => {
      for (const catcher of [site.mailbox, site.unix, site.remote]) catcher.reset()
    })

    const places: [what: string, to: string, place: 'mailbox' | 'unix' | 'remote', at: string][] = [
      ['a mailbox to its mailbox host', 'anna@example.com', 'mailbox', 'anna@example.com'],
      ['a secondary address as it is', 'anna.berg@example.com', 'mailbox', 'anna.berg@example.com'],
      ['a tag along with it', 'anna+shop@example.com', 'mailbox', 'anna+shop@example.com'],
      ['the unknown of a shared domain on', 'paul@example.com', 'unix', 'paul@example.com'],
      ['a contact to its target', 'lotte@example.com', 'remote', 'Lotte@remote.domain'],
      ['a contact with a tag', 'lo+news@example.com', 'remote', 'Lotte+news@remote.domain'],
      ['a contact of a mailbox', 'to-anna@example.com', 'mailbox', 'anna@example.com'],
      ['postmaster where it is configured', 'postmaster', 'mailbox', 'admin@example.local'],
    ]
    for (const [what, to, place, at] of places) {
      it(`sends ${what}`, async () => {
        const { data } = await send(site.gateway, { from, to: [to] })
        assert.equal(data?.code, 250, data?.text)
        const [message] = await site[place].waitFor(1)
        assert.deepEqual([message?.from, message?.to], [from, [at]])
        const others = [site.mailbox, site.unix, site.remote].flatMap(({ messages }) => messages)
        assert.equal(others.length, 1)
      })
    }

    it('carries local, shared and contact recipients together, each to its place', async () => {
      const to = [
        'anna@example.com',
        'paul@example.com',
        'nobody@example.local',
        'lotte@example.com',
        'who@foreign.example',
        'eva@example.com',
      ]
      const { rcpt, data } = await send(site.gateway, { from, to })
      assert.deepEqual(
        rcpt.map(({ code }) => code),
        [250, 250, 550, 250, 550, 250],
      )
      assert.equal(data?.code, 250)
      const [local] = await site.mailbox.waitFor(1)
      const [shared] = await site.unix.waitFor(1)
      const [contact] = await site.remote.waitFor(1)
      assert.deepEqual(local?.to, ['anna@example.com'])
      assert.deepEqual(shared?.to, ['paul@example.com', 'eva@example.com'])
      assert.deepEqual(contact?.to, ['Lotte@remote.domain'])
    })

    it('delivers once what several recipients lead to', async () => {
      const to = ['lotte@example.com', 'lo@example.com', 'LOTTE@remote.domain']
      const { rcpt } = await send(site.gateway, { from, to })
      assert.deepEqual(
        rcpt.map(({ code }) => code),
        [250, 250, 250],
      )
      const [message] = await site.remote.waitFor(1)
      assert.deepEqual(message?.to, ['Lotte@remote.domain'])
    })

    it('marks what goes through a connector, and refuses it when it comes back', async () => {
      await send(site.gateway, { from, to: ['paul@example.com'] })
      const [message] = await site.unix.waitFor(1)
      assert.match(message?.raw.toString() ?? '', /^X-Address-Space-Loop: gateway\.example;/mu)
      const again = await send(site.gateway, { from, to: ['paul@example.com'], data: message!.raw })
      assert.deepEqual([again.data?.code, again.data?.enhanced], [550, '5.4.6'])
      const other = await send(site.gateway, { from, to: ['eva@example.com'], data: message!.raw })
      assert.equal(other.data?.code, 250)
    })

    it('refuses a message with more hops than max_hops, and takes one with as many', async () => {
      const hop = 'Received: from a by b; Sun, 1 Nov 2026 00:00:00 +0000\r\n'
      const to = ['anna@example.com']
      const arrive = async (hops: number): Promise<unknown[]> => {
        const data = hop.repeat(hops) + sampleMessage({ from, to })
        const outcome = await send(site.gateway, { from, to, data })
        return [outcome.data?.code, outcome.data?.enhanced]
      }
      assert.deepEqual(await arrive(51), [550, '5.4.6'])
      assert.deepEqual(await arrive(50), [250, '2.0.0'])
    })
  })
}

describe('a changed configuration', () => {
  let site: Site

  before(async function () {
    this.timeout(60_000)
    site = await startSite()
  })
  after(() => stopSite(site))

  const answer = async (to: string): Promise<string> => {
    const { rcpt } = await send(site.gateway, { from, to: [to] })
    return `${rcpt[0]?.code} ${rcpt[0]?.enhanced}`
  }

  it('takes effect without a restart, and a bad one changes nothing', async function () {
    this.timeout(60_000)
    const { gateway } = site
    assert.equal(await answer('who@new.example'), '550 5.7.1')

    let line = gateway.logLines.length
    await gateway.writeConfig('accepted-domains.ini', domains.replace('shared =', 'shard ='))
    await gateway.waitForLog(/accepted-domains\.ini shard: unknown key/u, 15_000, line)
    await gateway.waitForLog(/the last good configuration stays in force/u, 15_000, line)
    assert.equal(await answer('paul@example.com'), '250 2.1.5')

    line = gateway.logLines.length
    const unserved = domains.replace('shared = ', 'shared = new.example, ')
    await gateway.writeConfig('accepted-domains.ini', unserved)
    await gateway.waitForLog(/shared: new\.example has no connector/u, 15_000, line)
    assert.equal(await answer('who@new.example'), '550 5.7.1')

    line = gateway.logLines.length
    const served = domains.replace('authoritative = ', 'authoritative = new.example, ')
    await gateway.writeConfig('accepted-domains.ini', served)
    await gateway.waitForLog(/is in force/u, 15_000, line)
    assert.equal(await answer('who@new.example'), '550 5.1.1')
    assert.equal(await answer('anna@example.com'), '250 2.1.5')
  })
})

describe('a configuration file that is emptied', () => {
  let mailbox: Catcher
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    mailbox = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    gateway = await startGateway({
      plugins: ['address-space/accepted-domains', 'address-space/connectors'],
      config: {
        'accepted-domains.ini': 'shared = example.com\npostmaster = anna@example.com\n',
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${mailbox.smartHost}\n`,
        'contacts.csv': contacts,
        'connectors.ini':
          '[unix]\naddress_spaces = example.com\nsmart_hosts = [127.0.0.2]:2\nallow_relay = true\n',
      },
    })
  })
  after(async () => {
    await gateway.stop()
    await mailbox.stop()
  })

  it('changes nothing: a mailbox stays a mailbox', async function () {
    this.timeout(60_000)
    await gateway.writeConfig('directory.ini', '')
    await gateway.waitForLog(/directory\.ini: expected the file that was read before/u, 15_000)
    await send(gateway, { from, to: ['anna@example.com'] })
    const [message] = await mailbox.waitFor(1)
    assert.deepEqual(message?.to, ['anna@example.com'])
  })
})
