/**
 * What a server says when it is asked for what must be there, and what is made of it: "not there" is believed only
 * where that was seen, and a refusal of that search stops nobody who is known.
 */
import assert from 'node:assert/strict'

import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { mailAddress } from '../../plugins/mail/mail-address.js'
import { testEnvironment } from './environment.js'
import { FakeLdap } from './fake-ldap.js'

describe('what an account sees of a directory', () => {
  const env = testEnvironment('/')
  let server: FakeLdap
  let directories: DirectorySet

  const open = (): void => {
    const lines = ['[fake]', `url = ${server.url}`, 'base_dn = dc=fake', 'timeout = 5']
    const cache = ['[cache]', 'negative_ttl = 0']
    directories = openDirectories(parseDirectoryConfig([...lines, ...cache]), env)
  }
  afterEach(async () => {
    await directories.close()
    await server.stop()
    env.log.lines.length = 0
  })
  const kind = async (local: string): Promise<string> =>
    (await directories.find(mailAddress(local, 'x'))).kind

  it('is asked for once on a connection, however many are unknown', async () => {
    server = await FakeLdap.start({ 'user1@x': 'user1@y' })
    open()
    assert.equal(await kind('nobody1'), 'none')
    const before = server.searches
    assert.equal(await kind('nobody2'), 'none')
    assert.equal(await kind('nobody3'), 'none')
    assert.equal(server.searches - before, 2)
  })

  it('is not asked for where everybody is known', async () => {
    server = await FakeLdap.start({ 'user1@x': 'user1@y', 'user2@x': 'user2@y' })
    open()
    assert.equal(await kind('user1'), 'found')
    assert.equal(await kind('user2'), 'found')
    assert.equal(server.searches, 2)
  })

  it('is nothing in an empty directory: nobody can tell', async () => {
    server = await FakeLdap.start({})
    open()
    assert.equal(await kind('nobody'), 'failed')
    assert.ok(
      env.log.lines.some((line) => line.includes('let an anonymous client search and read')),
    )
  })

  for (const code of [11, 50, 53]) {
    it(`is refused with result ${code}: known ones are known, the server is not left alone`, async () => {
      server = await FakeLdap.start({ 'user1@x': 'user1@y', 'user2@x': 'user2@y' })
      server.behave({ sight: code })
      open()
      assert.equal(await kind('nobody'), 'failed')
      assert.equal(await kind('user1'), 'found')
      assert.equal(await kind('nobody'), 'failed')
      assert.equal(await kind('user2'), 'found')
      assert.ok(env.log.lines.some((line) => /what must be there, .* is refused/u.test(line)))
      assert.ok(!env.log.lines.some((line) => line.includes('left alone')))
    })
  }
})
