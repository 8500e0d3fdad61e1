import assert from 'node:assert/strict'

import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { parseSmartHost } from '../../plugins/mail/smart-host.js'
import { crossCheck } from '../../plugins/decision/cross-check.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { parseListeners, selfTest } from '../../plugins/haraka/listeners.js'
import { plainIp } from '../../plugins/mail/ip-address.js'

const check = (domains: string, connectors: string, mailboxHost = '[192.0.2.1]'): string[] =>
  crossCheck({
    acceptedDomains: parseAcceptedDomains([...domains.split('\n'), 'postmaster = a@b.example']),
    connectors: parseConnectorsConfig(connectors.split('\n')),
    directories:
      mailboxHost === ''
        ? []
        : [
            {
              name: 'corp',
              mailboxHost: parseSmartHost(mailboxHost),
              mailboxConnector: '',
              hosts: new Map<string, never>(),
            },
          ],
    isSelf: selfTest([{ host: '::', port: 25 }], () => ['192.0.2.99', '::1']),
  })

describe('rules across files', () => {
  const fine: [name: string, domains: string, connectors: string][] = [
    ['a shared domain with its connector', 'shared = a.example', '[x]\naddress_spaces = a.example'],
    ['a wildcard connector', 'shared = b.a.example', '[x]\naddress_spaces = *.a.example'],
    ['a connector for all', 'shared = a.example', '[x]\naddress_spaces = *'],
    [
      'an authoritative exception in an open wildcard',
      'shared = *.a.example\nauthoritative = b.a.example',
      '[x]\naddress_spaces = *.a.example\nallow_relay = true',
    ],
    [
      'an authoritative domain in a closed connector',
      'authoritative = a.example',
      '[x]\naddress_spaces = a.example',
    ],
    [
      'a shared exception in an authoritative wildcard',
      'authoritative = *.a.example\nshared = b.a.example',
      '[x]\naddress_spaces = b.a.example\nallow_relay = true',
    ],
    [
      'another port of this machine',
      'shared = a.example',
      '[x]\naddress_spaces = a.example\nsmart_hosts = [127.0.0.1]:2525',
    ],
  ]
  for (const [name, domains, connectors] of fine) {
    it(`lets pass: ${name}`, () => assert.deepEqual(check(domains, connectors), []))
  }

  const wrong: [name: string, domains: string, connectors: string, error: RegExp][] = [
    [
      'an authoritative domain that strangers may send on',
      'authoritative = a.example',
      '[x]\naddress_spaces = a.example\nallow_relay = true',
      /^connectors\.ini \[x\] address_spaces: a\.example is authoritative .*cannot be shared/u,
    ],
    [
      'a subdomain of an authoritative wildcard',
      'authoritative = *.a.example',
      '[x]\naddress_spaces = b.a.example\nallow_relay = true',
      /^connectors\.ini \[x\] address_spaces: b\.a\.example is authoritative/u,
    ],
    [
      'a shared domain that no connector serves',
      'shared = a.example',
      '[x]\naddress_spaces = *.a.example',
      /^accepted-domains\.ini shared: a\.example has no connector/u,
    ],
    [
      'a shared wildcard that is served in part',
      'shared = *.a.example',
      '[x]\naddress_spaces = b.a.example',
      /^accepted-domains\.ini shared: \*\.a\.example has no connector/u,
    ],
    [
      'an observed domain that no connector serves',
      'observe = a.example',
      '',
      /^accepted-domains\.ini observe: a\.example has no connector/u,
    ],
    [
      'a relay domain that no connector serves',
      'relay = a.example',
      '',
      /^accepted-domains\.ini relay: a\.example has no connector/u,
    ],
    [
      'a smart host that is this gateway',
      'shared = a.example',
      '[x]\naddress_spaces = a.example\nsmart_hosts = [192.0.2.99]',
      /^connectors\.ini \[x\] smart_hosts: \[192\.0\.2\.99\] is this gateway itself/u,
    ],
  ]
  for (const [name, domains, connectors, error] of wrong) {
    it(`refuses ${name}`, () => {
      const errors = check(domains, connectors)
      assert.equal(errors.length, 1, errors.join('\n'))
      assert.match(errors[0] ?? '', error)
    })
  }

  it('refuses a mailbox host that is this gateway', () => {
    const [error] = check('authoritative = a.example', '', 'lmtp://[127.0.0.1]:25')
    assert.match(error ?? '', /^directory\.ini \[corp\] mailbox_host: .* is this gateway itself/u)
  })

  it('refuses an authoritative domain without a directory', () => {
    const [error] = check('authoritative = a.example', '', '')
    assert.match(error ?? '', /authoritative: a\.example needs a directory/u)
  })

  it('reports every violation at once', () => {
    const errors = check('shared = a.example, b.example\nrelay = c.example', '')
    assert.equal(errors.length, 3)
  })
})

describe('one text for one address', () => {
  const cases: [ip: string, plain: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['2001:db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['no address', 'no address'],
  ]
  for (const [ip, plain] of cases) it(ip, () => assert.equal(plainIp(ip), plain))
})

describe('this gateway itself', () => {
  const cases: [listen: string, ip: string, port: number, self: boolean][] = [
    ['[::0]:25', '127.0.0.1', 25, true],
    ['[::0]:25', '127.0.0.9', 25, true],
    ['[::0]:25', '::ffff:192.0.2.99', 25, true],
    ['[::0]:25', '192.0.2.50', 25, false],
    ['[::0]:25', '192.0.2.99', 587, false],
    ['0.0.0.0:25,0.0.0.0:587', '192.0.2.99', 587, true],
    ['192.0.2.99:25', '192.0.2.99', 25, true],
    ['192.0.2.99:25', '127.0.0.1', 25, false],
    ['192.0.2.99', '192.0.2.99', 25, true],
    ['', '127.0.0.1', 25, true],
  ]
  for (const [listen, ip, port, self] of cases) {
    it(`listen = ${listen || '(default)'}: ${ip} port ${port} is ${self ? 'itself' : 'another'}`, () => {
      const isSelf = selfTest(parseListeners({ listen }), () => ['192.0.2.99'])
      assert.equal(isSelf(ip, port), self)
    })
  }

  it('reads the older listen_host and port', () => {
    assert.deepEqual(parseListeners({ port: 2525, listen_host: '127.0.0.1' }), [
      { host: '127.0.0.1', port: 2525 },
    ])
  })

  const mailboxes = (lines: readonly string[], connectors: readonly string[]): string[] =>
    crossCheck({
      connectors: parseConnectorsConfig(connectors),
      directories: parseDirectoryConfig(['[corp]', 'url = file:a.csv', ...lines]).directories,
      isSelf: (ip) => ip === '192.0.2.99',
    })
  const exchange = ['[exchange]', 'smart_hosts = [192.0.2.1]']
  const forMailboxes: [string, string[], string[], RegExp | undefined][] = [
    ['a connector for mailboxes alone', ['mailbox_connector = exchange'], exchange, undefined],
    ['a listed connector', ['[corp hosts]', 'ex01 = exchange'], exchange, undefined],
    [
      'a connector that is used for nothing',
      [],
      exchange,
      /\[exchange\] address_spaces: expected/u,
    ],
    [
      'a connector that is not there',
      ['mailbox_connector = exchnage'],
      [...exchange, 'address_spaces = a.example'],
      /\[corp\] mailbox_connector: expected a connector of connectors.ini, got `exchnage`/u,
    ],
    [
      'a connector without servers',
      ['mailbox_connector = exchange'],
      ['[exchange]', 'address_spaces = a.example'],
      /\[exchange\] smart_hosts: expected the server that holds the mailboxes \(directory.ini \[corp\]/u,
    ],
    [
      'a listed host that is this gateway',
      ['[corp hosts]', 'mail2 = [192.0.2.99]'],
      [],
      /\[corp hosts\] mail2: \[192.0.2.99\] is this gateway itself/u,
    ],
  ]
  for (const [name, lines, connectors, error] of forMailboxes) {
    it(`${error ? 'refuses' : 'lets pass'}: ${name}`, () => {
      const errors = mailboxes(lines, connectors)
      assert.equal(errors.length, error ? 1 : 0, errors.join('; '))
      if (error) assert.match(errors[0] ?? '', error)
    })
  }
})
