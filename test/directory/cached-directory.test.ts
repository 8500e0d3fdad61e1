import assert from 'node:assert/strict'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { CachedDirectory } from '../../plugins/directory/cached-directory.js'
import { DirectoryError, type DirectoryEntry } from '../../plugins/directory/directory.js'

const settings = { ttl: 100, negativeTtl: 50, staleTtl: 1000, maxEntries: 10 }
const address = mailAddress('a', 'x')
const entry = (dn: string): DirectoryEntry => ({ dn, addresses: ['a@x'], isContact: false })

/** A directory that answers what it is told to, and a clock that is set. */
function setUp(options: Partial<typeof settings> = {}) {
  let now = 0
  let asked = 0
  let answer: () => Promise<readonly DirectoryEntry[]> = () => Promise.resolve([])
  const cached = new CachedDirectory(
    {
      name: 'test',
      find: () => {
        asked += 1
        return answer()
      },
      close: () => Promise.resolve(),
    },
    { ...settings, ...options },
    () => now,
  )
  return {
    cached,
    at: (time: number) => (now = time),
    asked: () => asked,
    has: (...dns: string[]) => (answer = () => Promise.resolve(dns.map(entry))),
    fails: () => (answer = () => Promise.reject(new DirectoryError('test', 'away'))),
    /** the DNs found, or `failed` */
    find: async () => {
      try {
        return (await cached.find(address)).map(({ dn }) => dn).join()
      } catch {
        return 'failed'
      }
    },
  }
}

describe('cached directory', () => {
  it('asks once while an answer is fresh', async () => {
    const { has, find, at, asked } = setUp()
    has('one')
    assert.equal(await find(), 'one')
    has('two')
    at(99)
    assert.equal(await find(), 'one')
    assert.equal(asked(), 1)
  })

  it('answers a stale entry at once and refreshes it behind', async () => {
    const { has, find, at, asked } = setUp()
    has('one')
    await find()
    has('two')
    at(150)
    assert.equal(await find(), 'one')
    assert.equal(asked(), 2)
    assert.equal(await find(), 'two')
  })

  it('asks before it answers an older entry', async () => {
    const { has, find, at } = setUp()
    has('one')
    await find()
    has('two')
    at(250)
    assert.equal(await find(), 'two')
  })

  it('forgets an entry that the directory no longer has', async () => {
    const { has, find, at } = setUp()
    has('one')
    await find()
    has()
    at(250)
    assert.equal(await find(), '')
  })

  it('keeps a known address while the directory is away, until stale_ttl', async () => {
    const { has, fails, find, at } = setUp()
    has('one')
    await find()
    fails()
    for (const time of [150, 250, 999]) {
      at(time)
      assert.equal(await find(), 'one', `at ${time}`)
    }
    at(1000)
    assert.equal(await find(), 'failed')
  })

  it('makes no unknown address of an outage', async () => {
    const { fails, find, at } = setUp()
    assert.equal(await find(), '')
    fails()
    at(49)
    assert.equal(await find(), '')
    at(50)
    assert.equal(await find(), 'failed')
  })

  it('asks again after negative_ttl, also for an ambiguous address', async () => {
    const { has, fails, find, at } = setUp()
    has('one', 'two')
    assert.equal(await find(), 'one,two')
    has('one')
    at(49)
    assert.equal(await find(), 'one,two')
    fails()
    at(60)
    assert.equal(await find(), 'failed')
    has('one')
    assert.equal(await find(), 'one')
  })

  it('keeps no failure', async () => {
    const { has, fails, find } = setUp()
    fails()
    assert.equal(await find(), 'failed')
    has('one')
    assert.equal(await find(), 'one')
  })

  it('makes one lookup for many askers', async () => {
    const { has, find, asked, at } = setUp()
    has('one')
    const found = await Promise.all(Array.from({ length: 100 }, find))
    assert.equal(new Set(found).size, 1)
    at(150)
    await Promise.all(Array.from({ length: 100 }, find))
    assert.equal(asked(), 2)
  })

  it('keeps nothing with a time of 0', async () => {
    const { has, fails, find, asked } = setUp({ ttl: 0, negativeTtl: 0, staleTtl: 0 })
    has('one')
    await find()
    fails()
    assert.equal(await find(), 'failed')
    assert.equal(asked(), 2)
  })

  it('holds max_entries', async () => {
    const { cached, asked, has } = setUp({ maxEntries: 2 })
    has('one')
    for (const local of ['a', 'b', 'c', 'a']) await cached.find(mailAddress(local, 'x'))
    assert.equal(asked(), 4)
    await cached.find(mailAddress('c', 'x'))
    assert.equal(asked(), 4)
  })

  it('forgets nobody who is known for addresses that are made up', async () => {
    const { cached, asked, has, fails, find } = setUp()
    has('one')
    await find()
    has()
    for (let n = 0; n < 1000; n++) await cached.find(mailAddress(`made-up-${n}`, 'x'))
    fails()
    assert.equal(await find(), 'one')
    assert.equal(asked(), 1001)
  })

  it('keeps an answer for what was asked, not for what only looks alike', async () => {
    const { cached, has, asked } = setUp()
    const local = (text: string) => mailAddress(text, 'x')
    assert.equal(local('an\u212ae').key, local('anke').key)
    await cached.find(local('an\u212ae'))
    await cached.find(local('u\u0308'))
    has('one')
    assert.equal((await cached.find(local('anke'))).length, 1)
    assert.equal((await cached.find(local('\u00fc'))).length, 1)
    // case is no spelling
    await cached.find(local('ANKE'))
    assert.equal(asked(), 4)
  })

  it('counts', async () => {
    const { cached, has, fails, find, at } = setUp()
    has('one')
    await find()
    await find()
    fails()
    at(150)
    await find()
    at(250)
    await find()
    at(2000)
    await find()
    assert.deepEqual(cached.counts, { hits: 1, misses: 4, stale: 2, errors: 3 })
  })
})
