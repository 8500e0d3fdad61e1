/**
 * The table of faults: what an LDAP server may do to a lookup. Whatever it does, an address that
 * exists is never unknown, no lookup takes longer than `timeout`, and what is cached goes on.
 */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import type { Lookup } from '../../plugins/directory/directory.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { temporaryFolder } from '../../scripts/servers/process.js'
import { testEnvironment } from './environment.js'
import { FakeLdap, type Behaviour } from './fake-ldap.js'

const timeout = 500
// the machine may be busy
const grace = 700

const contacts = Object.fromEntries(
  Array.from({ length: 1000 }, (_, n) => [`user${n}@x`, `user${n}@remote.domain`]),
)

describe('faults of an LDAP server', () => {
  const env = testEnvironment('/')
  let server: FakeLdap
  let second: FakeLdap
  let directories: DirectorySet | undefined
  let now = 0

  beforeEach(async () => {
    server = await FakeLdap.start(contacts)
    second = await FakeLdap.start(contacts)
    now = 0
    env.log.lines.length = 0
  })
  afterEach(async () => {
    await directories?.close()
    await Promise.all([server.stop(), second.stop()])
  })

  const open = (urls: string, ...more: string[]): void => {
    const config = parseDirectoryConfig([
      '[fake]',
      `url = ${urls}`,
      'base_dn = dc=fake',
      ...(more.some((line) => line.startsWith('timeout')) ? [] : [`timeout = ${timeout / 1000}`]),
      ...more,
    ])
    directories = openDirectories(config, env, { clock: () => now })
  }
  /** The lookup, which must be right and in time. */
  const find = async (local: string): Promise<Lookup> => {
    assert(directories)
    const started = performance.now()
    const lookup = await directories.find(mailAddress(local, 'x'))
    const took = performance.now() - started
    assert(took < timeout + grace, `${local} took ${took} ms`)
    if (local.startsWith('user')) assert.notEqual(lookup.kind, 'none', `${local} is unknown`)
    if (lookup.kind === 'found') {
      assert.equal(lookup.entry.targetAddress, `${local}@remote.domain`)
    }
    return lookup
  }
  const kind = async (local: string): Promise<string> => (await find(local)).kind
  const findMany = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, n) => kind(`user${n}`)))
  const until = async (local: string): Promise<void> => {
    const end = Date.now() + 5000
    while ((await kind(local)) !== 'found') {
      assert(Date.now() < end, `${local} is not found again`)
      await sleep(20)
    }
  }

  const faults: readonly (readonly [string, Behaviour])[] = [
    ['accepts and answers no bind', { bind: 'hang' }],
    ['refuses the bind', { bind: 49 }],
    ['is too busy to bind', { bind: 51 }],
    ['answers no search', { search: 'hang' }],
    ['closes the connection at a search', { search: 'close' }],
    ['answers what is no LDAP', { search: 'garbage' }],
    ['answers operations error', { search: 1 }],
    ['answers time limit exceeded', { search: 3 }],
    ['answers size limit exceeded', { search: 4 }],
    ['answers referral', { search: 10 }],
    ['answers admin limit exceeded', { search: 11 }],
    ['answers no such object', { search: 32 }],
    ['answers insufficient access', { search: 50 }],
    ['answers busy', { search: 51 }],
    ['answers unavailable', { search: 52 }],
    ['answers unwilling to perform', { search: 53 }],
    ['answers other', { search: 80 }],
  ]
  for (const [what, behaviour] of faults) {
    it(`${what}: cannot find out; what is cached goes on; then it is well again`, async () => {
      open(server.url)
      assert.equal(await kind('user1'), 'found')
      assert.equal(await kind('nobody'), 'none')
      server.behave(behaviour)
      if (behaviour.bind !== undefined) server.dropAll()
      assert.deepEqual(await findMany(3), ['failed', 'found', 'failed'])
      assert.equal(await kind('nobody'), 'none')
      // past the time that an answer is good
      now += 700_000
      assert.equal(await kind('user1'), 'found')
      assert.equal(await kind('nobody'), 'failed')
      server.behave({})
      await until('user2')
      assert.equal(await kind('nobody'), 'none')
    })

    const other = typeof behaviour.search !== 'number' || [1, 51, 52, 53].includes(behaviour.search)
    if (other) {
      it(`${what}, and the second server is well: every answer is right`, async () => {
        server.behave(behaviour)
        open(`${server.url}, ${second.url}`)
        assert.deepEqual(new Set(await findMany(100)), new Set(['found']))
        assert.equal(await kind('nobody'), 'none')
      })
    }
  }

  it('is down at the start, then comes', async () => {
    const port = await freePort('127.0.0.1')
    open(`ldap://127.0.0.1:${port}`)
    assert.equal(await kind('user1'), 'failed')
    assert(env.log.lines.some((line) => /^warn .*connecting: .*left alone for 0\.5 s/u.test(line)))
    const late = await FakeLdap.start(contacts, port)
    await until('user1')
    assert(env.log.lines.some((line) => /^notice .* answers again/u.test(line)))
    await late.stop()
  })

  it('dies while searches are under way; they are tried on the second', async () => {
    server.behave({ search: 'hang' })
    open(`${server.url}, ${second.url}`)
    const found = findMany(50)
    await sleep(100)
    await server.stop()
    assert.deepEqual(new Set(await found), new Set(['found']))
  })

  it('hangs on all its connections; every lookup is tried on the second', async () => {
    server.behave({ search: 'hang' })
    open(`${server.url}, ${second.url}`, 'max_in_flight = 4')
    const found: Promise<string>[] = []
    // the second connection has room for what fails on the first
    for (let n = 0; n < 6; n += 1) {
      found.push(kind(`user${n}`))
      await sleep(10)
    }
    assert(server.connections === 2, 'both connections were in use')
    assert.deepEqual(new Set(await Promise.all(found)), new Set(['found']))
  })

  it('closes idle connections; the next lookup does not notice', async () => {
    open(server.url)
    await find('user1')
    server.dropAll()
    await sleep(20)
    assert.equal(await kind('user2'), 'found')
    assert(!env.log.lines.some((line) => line.startsWith('warn')))
  })

  it('loses one connection under load; its searches are tried once more', async () => {
    open(server.url, 'connections = 1')
    await find('user999')
    server.behave({ search: 'slow' })
    const found = findMany(50)
    await sleep(20)
    server.dropAll()
    assert.deepEqual(new Set(await found), new Set(['found']))
  })

  it('is left alone for a growing while', async () => {
    server.behave({ bind: 51 })
    open(server.url)
    for (let n = 0; n < 20; n += 1) await find('user1')
    assert(server.accepted <= 2, `${server.accepted} connections`)
  })

  it('closes connections with many searches pending: max_in_flight keeps below', async () => {
    server.behave({ search: 'slow', maxPending: 4 })
    open(server.url, 'max_in_flight = 4')
    assert.deepEqual(new Set(await findMany(300)), new Set(['found']))
    assert(server.mostPending <= 4)
  })

  it('answers more than it was asked for, and referrals', async () => {
    open(server.url)
    server.behave({ search: 'strangers' })
    assert.equal(await kind('nobody'), 'none')
    server.behave({ search: 'referrals' })
    assert.equal(await kind('user1'), 'found')
  })

  it('is asked for 1,000 addresses at once: few connections, few searches, every answer right', async () => {
    // how few searches there are shows, whatever else the machine does meanwhile
    open(server.url, 'timeout = 20')
    assert(directories)
    const asked = directories
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => asked.find(mailAddress(`user${n}`, 'x'))),
    )
    assert.deepEqual(new Set(answers.map(({ kind: one }) => one)), new Set(['found']))
    assert(server.mostConnections <= 2, `${server.mostConnections} connections`)
    assert(server.searches <= 100, `${server.searches} searches`)
  })

  it('answers known and unknown addresses of one search each for itself', async () => {
    open(server.url)
    const kinds = await Promise.all(
      Array.from({ length: 100 }, (_, n) => kind(n % 2 ? `user${n}` : `nobody${n}`)),
    )
    assert.deepEqual(
      kinds,
      kinds.map((_, n) => (n % 2 ? 'found' : 'none')),
    )
  })

  it('hangs on all connections; nobody waits longer than the timeout', async () => {
    server.behave({ search: 'hang' })
    open(server.url)
    assert.deepEqual(new Set(await findMany(500)), new Set(['failed']))
    assert(server.mostConnections <= 2)
  })

  it('is bound to with the password that its file holds now', async () => {
    const folder = temporaryFolder('secret')
    const file = join(folder, 'secret')
    writeFileSync(file, 'one\n', { mode: 0o600 })
    open(server.url, 'bind_dn = cn=haraka', `bind_password_file = ${file}`)
    assert.equal(await kind('user1'), 'found')
    writeFileSync(file, 'two\n')
    server.dropAll()
    await sleep(20)
    assert.equal(await kind('user2'), 'found')
    assert.deepEqual(server.passwords, ['one', 'two'])
    chmodSync(file, 0o644)
    server.dropAll()
    await sleep(20)
    assert.equal(await kind('user3'), 'failed')
    assert(env.log.lines.some((line) => line.includes('mode 600')))
    assert(!env.log.lines.some((line) => /\b(?:one|two)\b/u.test(line)))
  })

  it('is closed with lookups under way: they end', async () => {
    server.behave({ search: 'hang' })
    open(server.url)
    const found = findMany(10)
    await sleep(50)
    await directories?.close()
    assert.deepEqual(new Set(await found), new Set(['failed']))
  })

  it('is replaced at a reload with lookups under way: they end well', async () => {
    server.behave({ search: 'slow' })
    open(server.url)
    const found = findMany(10)
    directories?.reload(
      parseDirectoryConfig(['[fake]', `url = ${second.url}`, 'base_dn = dc=fake', 'timeout = 0.5']),
    )
    assert.deepEqual(new Set(await found), new Set(['found']))
    // nothing that the other server said is still known
    assert.equal(await kind('user1'), 'found')
    assert.deepEqual(second.asked, ['user1@x'])
    await sleep(50)
    assert.equal(server.connections, 0)
  })
})
