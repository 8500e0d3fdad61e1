import assert from 'node:assert/strict'

import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { ConfigError } from '../../plugins/config/settings.js'

const parse = (text: string): ReturnType<typeof parseConnectorsConfig> =>
  parseConnectorsConfig(text.split('\n'))

type Connector = NonNullable<ReturnType<ReturnType<typeof parse>['connectors']['get']>>
const scheduleOf = (one?: Connector): unknown[] => [
  one?.maxSessions,
  one?.schedule.retry,
  one?.schedule.warnAfter,
  one?.schedule.expire,
  one?.backupHosts.length,
]

describe('connectors.ini', () => {
  it('has a default for everything but the address spaces', () => {
    const { connectors, ...main } = parse('[unix]\naddress_spaces = example.com')
    assert.deepEqual(main, {
      gatewayId: '',
      loopSecretFile: 'address-space.secret',
      maxHops: 50,
      minFree: { percent: 5, octets: 1024 ** 3 },
    })
    assert.deepEqual(connectors.get('unix'), {
      name: 'unix',
      addressSpaces: [{ kind: 'exact', domain: 'example.com', name: 'example.com' }],
      smartHosts: [],
      cost: 10,
      allowRelay: false,
      tls: 'opportunistic',
      authUser: '',
      authPasswordFile: '',
      verifyRecipients: false,
      xclient: false,
      chunking: true,
      delivery: 'direct',
      maxRecipients: 100,
      maxSessions: 20,
      schedule: {
        retry: [60_000, 120_000, 300_000, 600_000],
        warnAfter: 4 * 3_600_000,
        expire: 5 * 86_400_000,
      },
      backupHosts: [],
      bridgeheads: [],
      identity: {
        ehloName: '',
        certFile: '',
        keyFile: '',
        caFile: '',
        tlsName: '',
        sources: [],
        senderDomains: [],
      },
    })
  })

  it('reads every setting', () => {
    const { connectors } = parse(`
[unix]
address_spaces = example.com, *.lab.example.com, *
smart_hosts = [192.0.2.10], mail.unix.example:2525
cost = 5
allow_relay = true
tls = verify
auth_user = gateway
auth_password_file = unix.password
verify_recipients = true
xclient = true
delivery = queue
max_recipients = 20
max_sessions = 5
retry = 30s, 4m
warn_after = 0
expire = 2d
backup_hosts = [192.0.2.11]
bridgeheads = [10.0.0.1]
`)
    assert.deepEqual(scheduleOf(connectors.get('unix')), [
      5,
      [30_000, 240_000],
      0,
      2 * 86_400_000,
      1,
    ])
    const unix = connectors.get('unix')
    assert.deepEqual(
      unix?.addressSpaces.map(({ name }) => name),
      ['example.com', '*.lab.example.com', '*'],
    )
    assert.deepEqual(
      unix?.smartHosts.map(({ kind }) => kind),
      ['host', 'mx'],
    )
    assert.deepEqual(
      [unix?.cost, unix?.allowRelay, unix?.tls, unix?.delivery, unix?.maxRecipients],
      [5, true, 'verify', 'queue', 20],
    )
    assert.deepEqual(
      [unix?.authUser, unix?.authPasswordFile, unix?.verifyRecipients, unix?.bridgeheads.length],
      ['gateway', 'unix.password', true, 1],
    )
  })

  it('reports every error of the file at once', () => {
    const text = `
stray = 1
[main]
max_hops = 0
gateway_id = a b
[unix]
smart_hosts = 192.0.2.10
cost = abc
tls = always
auth_user = gateway
adress_spaces = example.com
[other]
address_spaces = exa mple, example.com
`
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(
          error.errors.map((line) => line.replace(/: expected.*got/u, ': … got')),
          [
            'connectors.ini stray: unknown key; expected a section before it',
            'connectors.ini [main] max_hops: … got `0`',
            'connectors.ini [main] gateway_id: … got `a b`',
            'connectors.ini [unix] smart_hosts: … got `192.0.2.10`',
            'connectors.ini [unix] cost: … got `abc`',
            'connectors.ini [unix] tls: … got `always`',
            'connectors.ini [unix] auth_password_file: … got nothing',
            error.errors[7],
            'connectors.ini [other] address_spaces: … got `exa mple`',
          ],
        )
        assert.match(error.errors[7] ?? '', /\[unix\] adress_spaces: unknown key/u)
        return true
      },
    )
  })
})

describe('the identity of a connector', () => {
  const identityOf = (more: string) =>
    parse(`[cloud]\naddress_spaces = example.com\n${more}`).connectors.get('cloud')?.identity

  it('is read', () => {
    const identity = identityOf(`
tls = verify
ehlo_name = GATE.example.com
tls_cert_file = gate.pem
tls_key_file = gate.key
tls_ca_file = ca.pem
tls_name = mail.Cloud.example
sources = 192.0.2.0/24, 2001:db8::/32, [198.51.100.7], cert:Mail.Protection.outlook.com
sender_domains = example.com, *.example.com
`)
    const { sources = [], senderDomains = [], ...rest } = identity ?? {}
    assert.deepEqual(rest, {
      ehloName: 'gate.example.com',
      certFile: 'gate.pem',
      keyFile: 'gate.key',
      caFile: 'ca.pem',
      tlsName: 'mail.cloud.example',
    })
    assert.deepEqual(
      sources.map((source) => (source.kind === 'network' ? source.network.text : source.name)),
      ['192.0.2.0/24', '2001:db8::/32', '[198.51.100.7]', 'mail.protection.outlook.com'],
    )
    assert.deepEqual(
      senderDomains.map(({ name }) => name),
      ['example.com', '*.example.com'],
    )
  })

  const wrong: [lines: string, error: RegExp][] = [
    ['tls_cert_file = a.pem', /tls_key_file: expected .* together, got nothing/u],
    ['tls_key_file = a.key', /tls_cert_file: expected .* together, got nothing/u],
    ['tls = none\ntls_cert_file = a\ntls_key_file = b', /tls: expected TLS, .* got `none`/u],
    ['tls_ca_file = ca.pem', /tls: expected `verify`, .*tls_ca_file.* got `opportunistic`/u],
    [
      'tls = required\ntls_name = a.example',
      /tls: expected `verify`, .*tls_name.* got `required`/u,
    ],
    ['ehlo_name = [192.0.2.1]', /ehlo_name: expected a host name/u],
    ['sources = 192.0.2.0/33', /sources: expected a network/u],
    ['sources = cert:', /sources: expected a network/u],
    ['sources = mail.example', /sources: expected a network/u],
    ['sender_domains = *', /sender_domains: expected a domain/u],
  ]
  for (const [lines, error] of wrong) {
    it(`${lines.replaceAll('\n', ', ')} is an error`, () => {
      assert.throws(() => identityOf(lines), error)
    })
  }
})
