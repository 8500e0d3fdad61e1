import assert from 'node:assert/strict'

import type { LdapServer } from '../../plugins/directory/ldap/ldap-settings.js'
import { Servers } from '../../plugins/directory/ldap/servers.js'

const server = (host: string): LdapServer => ({
  url: `ldap://${host}`,
  secure: false,
  host,
  port: 389,
})
const [one, two] = [server('one'), server('two')]

describe('servers of a directory', () => {
  let now = 0
  const clock = (): number => now
  beforeEach(() => (now = 0))
  const names = (servers: Servers): string =>
    servers
      .available()
      .map(({ host }) => host)
      .join()

  it('come in order; one that fails rests for a growing while', () => {
    const servers = new Servers([one, two], clock)
    assert.equal(names(servers), 'one,two')
    for (const rest of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      assert.equal(servers.failed(one), rest)
      assert.equal(names(servers), 'two')
      now += rest - 1
      assert.equal(names(servers), 'two')
      now += 1
      assert.equal(names(servers), 'one,two')
    }
    assert.equal(servers.worked(one), true)
    assert.equal(servers.worked(one), false)
    assert.equal(servers.failed(one), 500)
  })

  it('rest after a lost connection if there is another', () => {
    const servers = new Servers([one, two], clock)
    assert.equal(servers.lostConnection(one), 500)
    assert.equal(names(servers), 'two')
    assert.equal(servers.hasOther(one), true)
    assert.equal(servers.hasOther(two), false)
  })

  it('are tried again at once after the first lost connection if there is no other', () => {
    const servers = new Servers([one], clock)
    assert.equal(servers.lostConnection(one), 0)
    assert.equal(names(servers), 'one')
    assert.equal(servers.lostConnection(one), 500)
    assert.equal(names(servers), '')
    now += 500
    assert.equal(servers.lostConnection(one), 1000)
  })
})
