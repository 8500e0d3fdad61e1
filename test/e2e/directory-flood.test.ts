/**
 * A flood of made-up recipients, and then an outage of the directory: who was known stays known, over SMTP. The
 * cache is made small, so that the flood is many times what it holds.
 */
import assert from 'node:assert/strict'

import { Slapd } from '../../scripts/servers/slapd.js'
import { SmtpClient } from '../harness/haraka.js'
import { describeWithServers } from '../servers.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

const people = 20
const madeUp = 1000
const room = 40

const known = Array.from({ length: people }, (_, index) => `user${index}@example.com`)
const entries = known
  .map(
    (address, index) =>
      `dn: cn=user ${index},dc=corp,dc=example\nobjectClass: contact\nproxyAddresses: smtp:${address}\ntargetAddress: SMTP:user${index}@remote.domain\n`,
  )
  .join('\n')

describeWithServers(['slapd'], 'a flood of made-up recipients, then an outage', function () {
  this.timeout(120_000)
  let slapd: Slapd
  let mail: DirectoryGateway

  before(async () => {
    slapd = await Slapd.start({ entries })
    mail = await startDirectoryGateway(
      [
        '[corp]',
        `url = ${slapd.url}`,
        `base_dn = ${slapd.baseDn}`,
        'timeout = 2',
        '[cache]',
        `max_entries = ${room}`,
        'ttl = 1',
        'negative_ttl = 1',
      ],
      5000,
    )
  })
  after(async () => {
    await mail.stop()
    await slapd.remove()
  })

  /** The codes of RCPT, a hundred in a transaction. */
  const codes = async (addresses: readonly string[]): Promise<Set<string>> => {
    const found = new Set<string>()
    for (let at = 0; at < addresses.length; at += 100) {
      const client = await SmtpClient.connect(mail.gateway, { timeout: 20_000 })
      await client.ehlo()
      await client.mail('sender@client.example')
      for (const address of addresses.slice(at, at + 100)) {
        const { code, enhanced } = await client.rcpt(address)
        found.add(`${code} ${enhanced}`)
      }
      await client.quit()
    }
    return found
  }
  const flood = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${name}${index}@example.com`)

  it(`${madeUp} made-up ones push out none of ${people} known ones`, async () => {
    assert.deepEqual(await codes(known), new Set(['250 2.1.5']))
    assert.deepEqual(await codes(flood('nobody', madeUp)), new Set(['550 5.1.1']))
    await slapd.stop()
    const end = performance.now() + 3000
    // also when the answers are no longer fresh, and while the flood goes on
    do {
      assert.deepEqual(await codes(known), new Set(['250 2.1.5']))
      assert.deepEqual(await codes(flood('other', 50)), new Set(['450 4.4.3']))
    } while (performance.now() < end)
    assert.deepEqual(await codes(known), new Set(['250 2.1.5']))
  })

  it('and all is well when the server is back', async () => {
    await slapd.restart()
    const end = Date.now() + 40_000
    while (!(await codes(['nobody-else@example.com'])).has('550 5.1.1')) assert(Date.now() < end)
    assert.deepEqual(await codes(known), new Set(['250 2.1.5']))
  })
})
