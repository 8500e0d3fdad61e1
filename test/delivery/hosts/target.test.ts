import assert from 'node:assert/strict'

import { Resolver } from '../../../plugins/delivery/hosts/resolver.js'
import { formatReply } from '../../../plugins/delivery/smtp/smtp-reply.js'
import { formatEndpoint } from '../../../plugins/delivery/smtp/session.js'
import { TargetError, TargetFinder } from '../../../plugins/delivery/hosts/target.js'
import type { Place } from '../../../plugins/mail/place.js'
import { setupOf, TableDns, type TestSetup } from '../setup.js'

const mx = (exchange: string, priority: number) => ({ exchange, priority })
const timeout = Object.assign(new Error('queryMx ETIMEOUT'), { code: 'ETIMEOUT' })
const table = {
  'MX mail.unix.example': [mx('b.unix.example', 20), mx('a.unix.example', 10)],
  'A a.unix.example': ['192.0.2.1', '2001:db8::1'],
  'A b.unix.example': ['192.0.2.2'],
  'A bare.unix.example': ['192.0.2.3'],
  'MX slow.example': timeout,
  'A slow.example': timeout,
  'MX partner.example': [mx('mx.partner.example', 5), mx('backup.partner.example', 9)],
  'A mx.partner.example': ['192.0.2.10'],
  'A backup.partner.example': ['192.0.2.11'],
  'MX null.example': [mx('', 0)],
  'A addressonly.example': ['192.0.2.12'],
  'MX ours.example': [mx('a.unix.example', 1), mx('us.example', 5), mx('b.unix.example', 5)],
  'A us.example': ['203.0.113.1'],
}
const connector: Place = { kind: 'connector', connector: 'unix' }

function section(smartHosts: string, more = ''): string {
  return `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${smartHosts}\n${more}`
}

async function find(setup: TestSetup, domain = 'unix.example'): Promise<string[] | string> {
  const finder = new TargetFinder(setupOf(setup), new Resolver(new TableDns(table)))
  try {
    return (await finder.find(connector, domain)).endpoints.map(formatEndpoint)
  } catch (error) {
    assert.ok(error instanceof TargetError, String(error))
    return error.reply ? formatReply(error.reply) : 'temporary'
  }
}

describe('where a place is', () => {
  const cases: [string, TestSetup, string[] | string][] = [
    ['an address in brackets', { connectors: section('[192.0.2.9]:2525') }, ['[192.0.2.9]:2525']],
    [
      'a name in brackets: its addresses',
      { connectors: section('[a.unix.example]') },
      ['a.unix.example[192.0.2.1]:25', 'a.unix.example[2001:db8::1]:25'],
    ],
    [
      'a name: its MX by preference',
      { connectors: section('mail.unix.example') },
      [
        'a.unix.example[192.0.2.1]:25',
        'a.unix.example[2001:db8::1]:25',
        'b.unix.example[192.0.2.2]:25',
      ],
    ],
    [
      'a name without MX: its addresses',
      { connectors: section('bare.unix.example:26') },
      ['bare.unix.example[192.0.2.3]:26'],
    ],
    ['a socket', { connectors: section('lmtp://unix:/run/lmtp') }, ['/run/lmtp']],
    ['DNS that does not answer', { connectors: section('slow.example') }, 'temporary'],
    [
      "a smart host that does not exist is the administrator's",
      { connectors: section('gone.example') },
      'temporary',
    ],
    [
      'one that is found beside one that is not',
      { connectors: section('gone.example, [192.0.2.9]') },
      ['[192.0.2.9]:25'],
    ],
    [
      'this gateway itself',
      { connectors: section('[192.0.2.9]'), self: '192.0.2.9:25' },
      'temporary',
    ],
    [
      'another port of this machine',
      { connectors: section('[192.0.2.9]:26'), self: '192.0.2.9:25' },
      ['[192.0.2.9]:26'],
    ],
    [
      'a password that cannot be read',
      {
        connectors: section('[192.0.2.9]', 'auth_user = a\nauth_password_file = missing\n'),
      },
      'temporary',
    ],
    [
      'bridgeheads instead of the smart hosts',
      { connectors: section('[192.0.2.9]', 'bridgeheads = [192.0.2.3]\n') },
      ['[192.0.2.3]:25'],
    ],
    [
      'a bridgehead by its name',
      { connectors: section('[192.0.2.9]', 'bridgeheads = [gateway.example]\n') },
      ['[192.0.2.9]:25'],
    ],
    [
      'a bridgehead by its address',
      {
        connectors: section('[192.0.2.9]', 'bridgeheads = [192.0.2.7], [us.example]\n'),
        self: '203.0.113.1:25',
      },
      ['[192.0.2.9]:25'],
    ],
  ]
  for (const [name, setup, expected] of cases) {
    it(name, async () => assert.deepEqual(await find(setup), expected))
  }

  const byDomain: [string, string, string[] | string][] = [
    [
      'by preference',
      'partner.example',
      ['mx.partner.example[192.0.2.10]:25', 'backup.partner.example[192.0.2.11]:25'],
    ],
    [
      'the address where there is no MX',
      'addressonly.example',
      ['addressonly.example[192.0.2.12]:25'],
    ],
    ['an address literal', '[192.0.2.20]', ['[192.0.2.20]:25']],
    ['takes no mail', 'null.example', '556 5.1.10 null.example takes no mail (null MX)'],
    ['no such domain', 'gone.example', '550 5.1.2 gone.example has no mail host in DNS'],
    ['DNS that does not answer', 'slow.example', 'temporary'],
    [
      'we are one of them: those behind us are left out',
      'ours.example',
      ['a.unix.example[192.0.2.1]:25', 'a.unix.example[2001:db8::1]:25'],
    ],
  ]
  for (const [name, domain, expected] of byDomain) {
    it(`no smart hosts, the MX of the domain: ${name}`, async () => {
      const found = await find({ connectors: section(''), self: '203.0.113.1:25' }, domain)
      assert.deepEqual(found, expected)
    })
  }

  it('smart hosts share the load', async () => {
    const firsts = new Set<string>()
    for (let message = 0; message < 100 && firsts.size < 3; message++) {
      const found = await find({ connectors: section('[192.0.2.1], [192.0.2.2], [192.0.2.3]') })
      firsts.add(found[0] ?? '')
    }
    assert.equal(firsts.size, 3)
  })

  it('the mailbox host of a directory, and one that is gone', async () => {
    const place: Place = { kind: 'mailbox-host', directory: 'corp' }
    const finderOf = (mailboxHost: string): TargetFinder =>
      new TargetFinder(setupOf({ connectors: '', mailboxHost }), new Resolver(new TableDns({})))
    const found = await finderOf('lmtp://[127.0.0.1]:24').find(place, 'example.com')
    assert.deepEqual(found.endpoints.map(formatEndpoint), ['[127.0.0.1]:24'])
    await assert.rejects(async () => finderOf('').find(place, 'example.com'), TargetError)
  })

  it('DNS that fails leaves the last known answer', async () => {
    const dns = new TableDns({ 'A x.example': ['192.0.2.1'] })
    let now = 0
    const resolver = new Resolver(dns, () => now)
    assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.1'])
    dns.table = { 'A x.example': timeout }
    now += 3_600_000
    assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.1'])
    dns.table = {}
    assert.deepEqual(await resolver.addresses('x.example'), [])
  })

  it('slow DNS: the last known answer at once, the new one to who asks next', async () => {
    const dns = new TableDns({ 'A x.example': ['192.0.2.1'] })
    let now = 0
    const resolver = new Resolver(dns, () => now)
    await resolver.addresses('x.example')
    let answer: (addresses: string[]) => void = () => undefined
    dns.lookup = () => new Promise((resolve) => (answer = resolve))
    now += 120_000
    assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.1'])
    assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.1'])
    answer(['192.0.2.2'])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(await resolver.addresses('x.example'), ['192.0.2.2'])
  })
})
