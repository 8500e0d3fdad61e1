/** Strangers who try out addresses are slowed down, and their session ends; nobody else's does. */
import assert from 'node:assert/strict'

import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../harness/haraka.js'

const relaying = '127.0.0.9'

describe('trying out addresses', function () {
  this.timeout(60_000)
  let unix: Catcher
  let gateway: GatewayProcess

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    gateway = await startGateway({
      plugins: [
        'relay',
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'relay.ini': '[relay]\nacl=true\n',
        relay_acl_allow: `${relaying}/32\n`,
        'accepted-domains.ini': `authoritative = example.local
shared = example.com
postmaster = anna@example.local
[harvesting]
reject_after = 6
delay = 0.2
`,
        'directory.ini': '[corp]\nurl = file:people.csv\nmailbox_host = lmtp://[127.0.0.4]:24\n',
        'people.csv': 'dn,objectClass,proxyAddresses\n"CN=Anna",user,SMTP:anna@example.local\n',
        'connectors.ini': `[unix]
address_spaces = example.com
smart_hosts = ${unix.smartHost}
backup_hosts = [127.0.0.7]
allow_relay = true
[other]
address_spaces = other.example
smart_hosts = [127.0.0.3]
bridgeheads = [127.0.0.8]
sources = 127.0.0.5/32, 127.0.0.6/32
sender_domains = other.example
`,
      },
    })
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  /** The codes for `count` made-up recipients in one session and then Anna, and the milliseconds. */
  const harvest = async (
    localAddress: string,
    count: number,
    from = 'a@client.example',
  ): Promise<{ codes: number[]; ms: number }> => {
    const client = await SmtpClient.connect(gateway, { localAddress })
    const started = performance.now()
    await client.ehlo()
    await client.mail(from)
    const codes: number[] = []
    for (let index = 0; index < count && codes.at(-1) !== 421; index += 1) {
      codes.push((await client.rcpt(`made-up-${index}@example.local`)).code)
    }
    const ms = performance.now() - started
    if (codes.at(-1) !== 421) codes.push((await client.rcpt('anna@example.local')).code)
    if (codes.at(-1) === 421) await assert.rejects(client.reply(), /closed/u)
    client.close()
    return { codes, ms }
  }

  it('costs nothing at first', async () => {
    const { codes } = await harvest('127.0.0.1', 3)
    assert.deepEqual(codes, [550, 550, 550, 250])
  })

  it('becomes slow, and every unknown one is still answered', async () => {
    const { codes, ms } = await harvest('127.0.0.1', 5)
    assert.deepEqual(codes, [550, 550, 550, 550, 550, 250])
    // 0.2 s for the fourth, 0.4 s for the fifth
    assert.ok(ms >= 590, `${ms} ms`)
  })

  it('ends the session: known or not is told no more', async () => {
    const { codes } = await harvest('127.0.0.1', 6)
    assert.deepEqual(codes, [550, 550, 550, 550, 550, 550, 421])
    await gateway.waitForLog(/too many unknown recipients in one session/u)
  })

  const free: [who: string, localAddress: string, from?: string][] = [
    ['a client that may relay', relaying],
    ['a smart host', '127.0.0.2'],
    ['a mailbox host', '127.0.0.4'],
    ['a backup host', '127.0.0.7'],
    ['a bridgehead', '127.0.0.8'],
    ['one of the sources', '127.0.0.5', 'a@other.example'],
  ]
  for (const [who, localAddress, from] of free) {
    it(`is no matter for ${who}`, async () => {
      const { codes } = await harvest(localAddress, 12, from)
      assert.deepEqual(codes, [...Array<number>(12).fill(550), 250])
    })
  }

  it("of a cloud's other customers ends too", async () => {
    const { codes } = await harvest('127.0.0.6', 12, 'eve@customer.example')
    assert.equal(codes.at(-1), 421)
  })
})
