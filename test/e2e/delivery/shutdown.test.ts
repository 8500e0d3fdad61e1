/**
 * A gateway that is told to end: what is under way ends first, with its directory; then it is gone. Haraka
 * listens to SIGINT, and to SIGTERM as the first process of a container.
 */
import assert from 'node:assert/strict'

import { FakeLdap } from '../../directory/fake-ldap.js'
import { Catcher, makeGateway, SmtpClient } from '../../harness/haraka.js'

describe('a gateway that is told to end', function () {
  this.timeout(60_000)

  it('known recipients of a transaction that is under way are known to the end', async () => {
    const users = Array.from({ length: 20 }, (_, at) => `user${at}@example.com`)
    const contacts = Object.fromEntries(users.map((user, at) => [user, `user${at}@remote.example`]))
    const ldap = await FakeLdap.start(contacts)
    const remote = await Catcher.start({ host: '127.0.0.2' })
    const gateway = await makeGateway({
      plugins: ['accepted-domains', 'contacts', 'connectors'].map((p) => `address-space/${p}`),
      config: {
        'accepted-domains.ini': `authoritative = example.com\npostmaster = ${users[0]}\n`,
        'directory.ini': `[fake]\nurl = ${ldap.url}\nbase_dn = dc=fake\n`,
        'connectors.ini': `[remote]\naddress_spaces = remote.example\nsmart_hosts = ${remote.smartHost}\nallow_relay = true\n`,
      },
    })
    await gateway.writeConfig(
      'smtp.ini',
      `listen=${gateway.host}:${gateway.port}\nnodes=0\ngraceful_shutdown=true\nforce_shutdown_timeout=10\n`,
    )
    await gateway.start()
    try {
      const client = await SmtpClient.connect(gateway)
      await client.ehlo()
      await client.mail('a@sender.example')
      assert.equal((await client.rcpt(users[0] ?? '')).code, 250)
      gateway.signal('SIGINT')
      await gateway.waitForLog(/SIGINT received/u)
      const codes: string[] = []
      for (const user of users.slice(1)) codes.push((await client.rcpt(user)).text)
      assert.deepEqual(
        codes.filter((text) => !text.startsWith('250')),
        [],
      )
      assert.equal((await client.data('Subject: x\r\n\r\nx\r\n')).code, 250)
      await client.quit()
      const [message] = await remote.waitFor(1)
      assert.equal(message?.to.length, users.length)
      await gateway.waitForExit(30_000)
    } finally {
      await gateway.stop()
      await remote.stop()
      await ldap.stop()
    }
  })
})
