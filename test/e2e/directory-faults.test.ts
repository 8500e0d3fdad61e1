/**
 * The table of faults of a directory, over SMTP. For each: no reply says "unknown" for an address
 * that exists, none says 5xx, no client waits longer than `timeout` and a second, what is cached
 * goes on working, and all is well again without a restart.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../plugins/stage/free-port.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { FakeLdap, type Behaviour } from '../directory/fake-ldap.js'
import { describeWithServers } from '../servers.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

const timeout = 1000
const limit = timeout + 1000

const contacts = Object.fromEntries(
  Array.from({ length: 1000 }, (_, n) => [`user${n}@example.com`, `user${n}@remote.domain`]),
)

// an answer is good for a moment only, so that each fault meets one that no longer is
const settings = [
  'base_dn = dc=fake',
  `timeout = ${timeout / 1000}`,
  '[cache]',
  'ttl = 0.2',
  'negative_ttl = 0.2',
  'stale_ttl = 600',
]

const faults: readonly (readonly [string, Behaviour | 'down'])[] = [
  ['is down', 'down'],
  ['accepts and answers no bind', { bind: 'hang' }],
  ['refuses the bind', { bind: 49 }],
  ['accepts and answers no search', { search: 'hang' }],
  ['closes when a search comes', { search: 'close' }],
  ['closes when two searches are pending', { search: 'slow', maxPending: 0 }],
  ['answers busy', { search: 51 }],
  ['answers unavailable', { search: 52 }],
  ['answers time limit exceeded', { search: 3 }],
  ['answers size limit exceeded', { search: 4 }],
  ['answers with a referral', { search: 10 }],
  ['answers no such object', { search: 32 }],
  ['answers what is no LDAP', { search: 'garbage' }],
]

describe('faults of the directory over SMTP', function () {
  this.timeout(60_000)
  let port: number
  let server: FakeLdap
  let mail: DirectoryGateway
  let user = 100

  before(async () => {
    port = await freePort('127.0.0.1')
    // nothing listens yet: the directory is down at the start
    mail = await startDirectoryGateway(
      ['[fake]', `url = ldap://127.0.0.1:${port}`, ...settings],
      limit,
    )
  })
  after(async () => {
    await mail.stop()
    await server.stop()
  })

  const code = async (address: string): Promise<string> => {
    const { code: number, enhanced } = await mail.rcpt(address)
    return `${number} ${enhanced}`
  }
  /** Asks until the answer is there; until then it may only be "cannot find out". */
  const until = async (address: string, expected: string): Promise<void> => {
    const end = Date.now() + 20_000
    for (;;) {
      const reply = await code(address)
      if (reply === expected) return
      assert.equal(reply, '450 4.4.3', address)
      assert(Date.now() < end, `${address}: ${reply}`)
      await sleep(50)
    }
  }
  const known = '250 2.1.5'
  const unknown = '550 5.1.1'

  it('is down at the start, and then comes', async () => {
    assert.equal(await code('user1@example.com'), '450 4.4.3')
    assert.equal(await code('nobody@example.com'), '450 4.4.3')
    server = await FakeLdap.start(contacts, port)
    await until('user1@example.com', known)
    await until('nobody@example.com', unknown)
  })

  for (const [what, fault] of faults) {
    it(what, async () => {
      const cached = `user${(user += 1)}@example.com`
      await until(cached, known)
      await until('nobody@example.com', unknown)
      await sleep(500)

      if (fault === 'down') await server.stop()
      else {
        server.behave(fault)
        if (fault.bind !== undefined) server.dropAll()
      }
      assert.equal(await code(cached), known)
      assert.equal(await code('nobody@example.com'), '450 4.4.3')
      const others = Array.from({ length: 5 }, () => `user${(user += 1)}@example.com`)
      assert.deepEqual(new Set(await Promise.all(others.map(code))), new Set(['450 4.4.3']))
      assert.equal(await code(cached), known)

      if (fault === 'down') server = await FakeLdap.start(contacts, port)
      else server.behave({})
      await until(others[0] ?? '', known)
      await until('nobody@example.com', unknown)
    })
  }

  it('dies while searches are under way, and comes back', async () => {
    server.behave({ search: 'hang' })
    const asked = Array.from({ length: 20 }, (_, n) => code(`user${500 + n}@example.com`))
    await sleep(200)
    await server.stop()
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['450 4.4.3']))
    server = await FakeLdap.start(contacts, port)
    await until('user500@example.com', known)
  })

  it('logs what is wrong, and that it is well again', () => {
    assert.match(mail.gateway.log, /directory \[fake\]: .*connecting: .*left alone for/u)
    assert.match(mail.gateway.log, /directory \[fake\]: .* answers again/u)
  })
})

describe('one and two servers over SMTP', function () {
  this.timeout(60_000)
  const running: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop()
  })

  const first: Behaviour[] = [
    { bind: 'hang' },
    { search: 'hang' },
    { search: 'close' },
    { search: 51 },
  ]
  for (const behaviour of first) {
    it(`the first one with ${JSON.stringify(behaviour)}: every answer is right`, async () => {
      const servers = await Promise.all([FakeLdap.start(contacts), FakeLdap.start(contacts)])
      servers[0].behave(behaviour)
      const url = servers.map((server) => server.url).join(', ')
      running.push(...servers)
      const mail = await startDirectoryGateway(
        ['[fake]', `url = ${url}`, 'base_dn = dc=fake', 'timeout = 3'],
        4000,
      )
      running.unshift(mail)
      const addresses = Array.from({ length: 50 }, (_, n) => `user${n}@example.com`)
      const replies = await Promise.all(addresses.map((address) => mail.rcpt(address)))
      assert.deepEqual(
        new Set(replies.map((reply) => reply.code)),
        new Set([250]),
        mail.gateway.log,
      )
      assert.equal((await mail.rcpt('nobody@example.com')).code, 550)
    })
  }

  it('1,000 clients at once: two connections, and every answer is right', async () => {
    const server = await FakeLdap.start(contacts)
    running.push(server)
    server.behave({ search: 'slow' })
    const mail = await startDirectoryGateway(
      ['[fake]', `url = ${server.url}`, 'base_dn = dc=fake', 'timeout = 10'],
      60_000,
    )
    running.unshift(mail)
    const replies = await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        mail.rcpt(`${n % 2 === 0 ? 'user' : 'nobody'}${n}@example.com`),
      ),
    )
    assert.deepEqual(
      replies.map((reply) => reply.code),
      replies.map((_, n) => (n % 2 === 0 ? 250 : 550)),
    )
    assert(server.mostConnections <= 2, `${server.mostConnections} connections`)
    assert.equal(new Set(server.asked).size, 1000)
  })
})

describeWithServers(['slapd'], 'slapd over SMTP', function () {
  this.timeout(60_000)
  let slapd: Slapd
  const mails: DirectoryGateway[] = []

  before(async () => {
    slapd = await Slapd.start({ global: ['conn_max_pending 5', 'conn_max_pending_auth 5'] })
    const people = Array.from({ length: 200 }, (_, n) =>
      [
        `dn: cn=user ${n},${slapd.baseDn}`,
        'objectClass: contact',
        `proxyAddresses: smtp:user${n}@example.com`,
        `targetAddress: SMTP:user${n}@remote.domain`,
      ].join('\n'),
    )
    await slapd.add(people.join('\n\n'))
  })
  after(async () => {
    for (const mail of mails) await mail.stop()
    await slapd.remove()
  })

  const start = async (...lines: string[]): Promise<DirectoryGateway> => {
    const mail = await startDirectoryGateway(
      [
        '[slapd]',
        `base_dn = ${slapd.baseDn}`,
        `bind_dn = ${slapd.bindDn}`,
        `bind_password = ${slapd.password}`,
        'timeout = 2',
        ...lines,
      ],
      3000,
    )
    mails.push(mail)
    return mail
  }
  const codes = async (mail: DirectoryGateway, from: number, count: number): Promise<number[]> => {
    const users = Array.from({ length: count }, (_, n) => `user${from + n}@example.com`)
    return (await Promise.all(users.map((user) => mail.rcpt(user)))).map((reply) => reply.code)
  }

  it('is killed and comes back, twice; no answer is wrong', async () => {
    const mail = await start(`url = ${slapd.url}`)
    for (const from of [0, 50]) {
      assert.deepEqual(new Set(await codes(mail, from, 20)), new Set([250]))
      const underWay = codes(mail, from + 20, 20)
      await slapd.stop('SIGKILL')
      for (const code of await underWay) assert([250, 450].includes(code), String(code))
      assert.deepEqual(new Set(await codes(mail, from, 20)), new Set([250]), 'cached')
      assert.equal((await mail.rcpt(`user${from + 45}@example.com`)).enhanced, '4.4.3')
      await slapd.restart()
      const end = Date.now() + 20_000
      while ((await codes(mail, from + 45, 1))[0] !== 250) assert(Date.now() < end)
    }
  })

  it('closes connections with too many operations pending: max_in_flight keeps below', async () => {
    const mail = await start(`url = ${slapd.url}`, 'max_in_flight = 4')
    assert.deepEqual(new Set(await codes(mail, 0, 200)), new Set([250]))
  })

  const refusals: readonly (readonly [string, () => string[]])[] = [
    ['a certificate of another authority', () => [`url = ${slapd.secureUrl}`]],
    [
      'a certificate for another name',
      () => [
        `url = ldaps://127.0.0.2:${slapd.securePort}`,
        `tls_ca_file = ${slapd.certificates.ca}`,
      ],
    ],
    ['the same with StartTLS', () => [`url = ldap://localhost:${slapd.port}`, 'start_tls = true']],
  ]
  for (const [what, lines] of refusals) {
    it(`has ${what}: cannot find out`, async () => {
      const mail = await start(...lines())
      const reply = await mail.rcpt('user1@example.com')
      assert.equal(`${reply.code} ${reply.enhanced}`, '450 4.4.3')
      await mail.gateway.waitForLog(/directory \[slapd\]: .*certificate|altnames/iu, 5000)
    })
  }

  it('is used with tls_verify = false all the same', async () => {
    const mail = await start(`url = ${slapd.secureUrl}`, 'tls_verify = false')
    assert.equal((await mail.rcpt('user1@example.com')).code, 250)
  })
})
