/** What of the pool shows at a server only after minutes: here the minutes are short. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { LdapConnection } from '../../plugins/directory/ldap/connection.js'
import { LdapPool } from '../../plugins/directory/ldap/pool.js'
import type { Recycling } from '../../plugins/directory/ldap/slot.js'
import { testEnvironment } from './environment.js'
import { FakeLdap } from './fake-ldap.js'

describe('LDAP pool', () => {
  let server: FakeLdap
  let pool: LdapPool

  beforeEach(async () => {
    server = await FakeLdap.start({})
  })
  afterEach(async () => {
    await pool.close()
    await server.stop()
  })

  /** With a search that takes `searchTime` milliseconds. */
  const open = (recycling: Recycling, searchTime = 0): void => {
    const config = parseDirectoryConfig(['[fake]', `url = ${server.url}`, 'base_dn = dc=fake'])
    const [settings] = config.directories
    assert(settings?.kind === 'ldap')
    const connect = { startTls: false, tls: {}, bind: undefined }
    pool = new LdapPool(
      settings,
      {
        batchSize: 20,
        open: (to, limit) => LdapConnection.open(to, connect, limit),
        search: async (_, addresses) => {
          await sleep(searchTime)
          return addresses.map(() => [])
        },
      },
      testEnvironment('/').log,
      recycling,
    )
  }
  const find = async (local: string): Promise<void> => {
    assert.deepEqual(await pool.find(mailAddress(local, 'x')), [])
  }
  const until = async (condition: () => boolean): Promise<void> => {
    const end = Date.now() + 5000
    while (!condition()) {
      assert(Date.now() < end, `${server.connections} connections, ${server.accepted} accepted`)
      await sleep(5)
    }
  }

  it('ends idle connections, and opens one when it is asked again', async () => {
    open({ idle: 50, age: 60_000, interval: 10 })
    await find('a')
    assert.equal(server.connections, 1)
    await until(() => server.connections === 0)
    await find('b')
    assert.equal(server.accepted, 2)
  })

  it('replaces old connections without losing a search', async () => {
    open({ idle: 60_000, age: 50, interval: 10 }, 20)
    for (let n = 0; n < 30; n += 1) await Promise.all([find(`a${n}`), find(`b${n}`)])
    assert(server.accepted > 3, `${server.accepted} accepted`)
    assert(server.mostConnections <= 2, `${server.mostConnections} connections`)
  })

  it('keeps a connection that is in use', async () => {
    open({ idle: 100, age: 60_000, interval: 10 }, 5)
    for (let n = 0; n < 50; n += 1) await find(`a${n}`)
    assert.equal(server.accepted, 1)
  })

  it('refuses lookups when it is closed', async () => {
    open({ idle: 50, age: 50, interval: 10 })
    await pool.close()
    await assert.rejects(pool.find(mailAddress('a', 'x')), { name: 'DirectoryError' })
  })

  it('takes no connection for dead because this process paused', async () => {
    open({ idle: 60_000, age: 60_000, interval: 60_000 }, 30)
    await find('a')
    const found = find('b')
    await sleep(5)
    const end = performance.now() + 2000
    while (performance.now() < end);
    await found
    assert.equal(server.accepted, 1)
  })
})
