/**
 * An LDAP server that breaks the protocol, over SMTP: cut messages, lengths that lie, ids of nobody, notices, drops.
 * Nobody whom it knows is refused for good, nobody waits longer than `timeout` and a second, no word of the server
 * makes a line of the log, and the gateway lives.
 */
import assert from 'node:assert/strict'

import { HostileLdap, tricks } from '../../scripts/fuzz/hostile-ldap.js'
import { logFindings } from '../../scripts/fuzz/log-lines.js'
import { Chance } from '../../scripts/fuzz/random.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

describe('an LDAP server that breaks the protocol, over SMTP', function () {
  this.timeout(60_000)
  let server: HostileLdap
  let mail: DirectoryGateway
  let user = 0

  before(async () => {
    server = await HostileLdap.start()
    mail = await startDirectoryGateway(
      [
        '[hostile]',
        `url = ${server.url}`,
        'base_dn = dc=fake',
        'timeout = 1',
        '[cache]',
        'negative_ttl = 0.1',
      ],
      // a machine under load
      4000,
    )
  })
  after(async () => {
    await mail.stop()
    await server.stop()
  })

  const code = async (name: string): Promise<number> =>
    (await mail.rcpt(`${name}@example.com`)).code
  const wellAgain = async (): Promise<void> => {
    const end = Date.now() + 30_000
    while ((await code(`user${(user += 1)}`)) !== 250) assert(Date.now() < end, mail.gateway.log)
  }

  for (const trick of tricks) {
    it(`${trick}: nobody is refused for good`, async () => {
      server.chance = new Chance(1)
      server.only = trick
      const known = await Promise.all(Array.from({ length: 4 }, () => code(`user${(user += 1)}`)))
      for (const one of known) assert([250, 450].includes(one), String(one))
      server.chance = undefined
      await wellAgain()
      assert.equal(await code(`nobody${user}`), 550)
    })
  }

  it('the log is read back, and no word of the server stands as a line in it', () => {
    const { logLines } = mail.gateway
    assert.deepEqual(logFindings(logLines), [])
    assert(
      logLines.some((line) => line.includes('forged@example.com')),
      'it was told',
    )
    assert(!logLines.some((line) => line.startsWith('[NOTICE] [1.1]')))
  })
})
