import assert from 'node:assert/strict'

import { ConfigError } from '../../plugins/config/settings.js'
import { parseDirectoryConfig, type FileSettings } from '../../plugins/directory/config.js'
import type { LdapSettings } from '../../plugins/directory/ldap/ldap-settings.js'
import { parseFilterTemplate } from '../../plugins/directory/filter-template.js'
import { mailboxPlace } from '../../plugins/directory/mailboxes.js'
import { placeKey } from '../../plugins/mail/place.js'
import { activeDirectory, schemas } from '../../plugins/directory/schema.js'

const ldap = ['[corp]', 'url = ldap://dc.example', 'base_dn = DC=corp,DC=example']

describe('directory.ini', () => {
  it('reads every setting', () => {
    const config = parseDirectoryConfig([
      '[corp]',
      'url = ldaps://DC1.corp.example:3269, ldap://[::1]',
      'base_dn = DC=corp,DC=example',
      'bind_dn = CN=haraka,OU=Service,DC=corp,DC=example',
      'bind_password_file = secret',
      'filter = (mail={address})',
      'tls_ca_file = ca.pem',
      'tls_verify = false',
      'timeout = 1.5',
      'connections = 4',
      'max_in_flight = 8',
      'mailbox_host = lmtp://[127.0.0.1]:24',
      '[export]',
      'url = file:contacts.LDIF',
      'allow_shrink = true',
      '[cache]',
      'ttl = 10',
      'negative_ttl = 0',
      'stale_ttl = 20',
      'max_entries = 5',
    ])
    assert.deepEqual(config, {
      directories: [
        {
          kind: 'ldap',
          name: 'corp',
          servers: [
            {
              url: 'ldaps://DC1.corp.example:3269',
              secure: true,
              host: 'dc1.corp.example',
              port: 3269,
            },
            { url: 'ldap://[::1]', secure: false, host: '::1', port: 389 },
          ],
          baseDn: 'DC=corp,DC=example',
          bindDn: 'CN=haraka,OU=Service,DC=corp,DC=example',
          bindPassword: '',
          bindPasswordFile: 'secret',
          filter: { kind: 'equal', attribute: 'mail', value: '{address}' },
          startTls: false,
          tlsCaFile: 'ca.pem',
          tlsVerify: false,
          timeout: 1500,
          connections: 4,
          maxInFlight: 8,
          mode: 'live',
          refresh: 900_000,
          changesInterval: 60_000,
          maxAge: 86_400_000,
          allowShrink: false,
          mailboxHost: { kind: 'host', protocol: 'lmtp', host: '127.0.0.1', port: 24 },
          mailboxConnector: '',
          hosts: new Map(),
          schema: activeDirectory,
        },
        {
          kind: 'file',
          name: 'export',
          format: 'ldif',
          path: 'contacts.LDIF',
          allowShrink: true,
          unreadable: 'doubt',
          mailboxHost: undefined,
          mailboxConnector: '',
          hosts: new Map(),
          schema: activeDirectory,
        },
      ],
      cache: { ttl: 10_000, negativeTtl: 0, staleTtl: 20_000, maxEntries: 5 },
    })
  })

  it('has defaults for all but the address and the base', () => {
    const config = parseDirectoryConfig(ldap)
    const [corp] = config.directories as readonly LdapSettings[]
    assert.deepEqual(config.cache, {
      ttl: 300_000,
      negativeTtl: 60_000,
      staleTtl: 86_400_000,
      maxEntries: 100_000,
    })
    assert.equal(corp?.timeout, 3000)
    assert.equal(corp.connections, 2)
    assert.equal(corp.maxInFlight, 32)
    assert.equal(corp.tlsVerify, true)
    assert.deepEqual(corp.filter, {
      kind: 'or',
      filters: [
        { kind: 'equal', attribute: 'proxyAddresses', value: 'smtp:{address}' },
        { kind: 'equal', attribute: 'mail', value: '{address}' },
      ],
    })
  })

  it('takes absolute names of files', () => {
    for (const url of ['file:/srv/contacts.csv', 'file:///srv/contacts.csv']) {
      const config = parseDirectoryConfig(['[a]', `url = ${url}`])
      assert.equal((config.directories[0] as FileSettings).path, '/srv/contacts.csv')
    }
  })

  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['no directory', ['[cache]', 'ttl = 1'], /expected a section for each directory/u],
    ['no url', ['[a]', 'base_dn = x'], /\[a\] url: expected LDAP servers .* got nothing/u],
    ['another scheme', ['[a]', 'url = http://x', 'base_dn = x'], /\[a\] url: .* got `http:\/\/x`/u],
    ['a path in the url', ['[a]', 'url = ldap://x/dc=a', 'base_dn = x'], /url: expected LDAP/u],
    ['another extension', ['[a]', 'url = file:x.xlsx'], /ends in .csv, .*, got `file:x.xlsx`/u],
    ['two files', ['[a]', 'url = file:a.csv, file:b.csv'], /url: expected one file/u],
    ['no base', ['[a]', 'url = ldap://x'], /base_dn: expected where searches begin, got nothing/u],
    [
      'a key for LDAP at a file',
      ['[a]', 'url = file:a.csv', 'timeout = 3'],
      /timeout: unknown key/u,
    ],
    ['a key before the first section', ['ttl = 1', ...ldap], /ttl: unknown key/u],
    ['an unknown key of the cache', [...ldap, '[cache]', 'tll = 1'], /\[cache\] tll: unknown key/u],
    ['a bad number', [...ldap, 'connections = 0'], /connections: expected a whole number from 1/u],
    ['no time at all', [...ldap, 'timeout = 0'], /timeout: expected seconds above 0, got `0`/u],
    [
      'two passwords',
      [...ldap, 'bind_dn = a', 'bind_password = b', 'bind_password_file = c'],
      /not both/u,
    ],
    ['a name without password', [...ldap, 'bind_dn = a'], /expected a password for `bind_dn`/u],
    [
      'a password without name',
      [...ldap, 'bind_password = a'],
      /bind_dn: expected whose password/u,
    ],
    [
      'StartTLS over TLS',
      ['[a]', 'url = ldaps://x', 'base_dn = y', 'start_tls = true'],
      /encrypted already/u,
    ],
    ['a bad filter', [...ldap, 'filter = (mail={address}'], /filter: expected `\)` at its end/u],
    [
      'a bad mailbox host',
      [...ldap, 'mailbox_host = 1.2.3.4'],
      /mailbox_host: expected a smart host/u,
    ],
  ]
  for (const [what, lines, expected] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseDirectoryConfig(lines), { name: 'ConfigError', message: expected })
    })
  }

  it('reports all errors at once', () => {
    assert.throws(
      () => parseDirectoryConfig(['[a]', 'url = x', 'timeout = y', 'z = 1']),
      (error) => error instanceof ConfigError && error.errors.length === 4,
    )
  })

  it('reads where mailboxes are', () => {
    const [corp] = parseDirectoryConfig([
      ...ldap,
      'mailbox_connector = exchange',
      'schema = sendmail',
      '[corp hosts]',
      'Mail2.corp.example = lmtp://[192.0.2.2]:24',
      'ex01 = exchange',
      'ex02 = connector:other.exchange',
      'gateway.corp.example = local',
    ]).directories
    assert(corp)
    assert.deepEqual(corp.schema, { ...schemas.sendmail, localHosts: ['gateway.corp.example'] })
    assert.deepEqual(
      [...corp.hosts.keys()],
      ['mail2.corp.example', 'ex01', 'ex02', 'gateway.corp.example'],
    )
    const places: readonly (readonly [string | undefined, string])[] = [
      [undefined, 'connector:exchange'],
      ['mail2.corp.example', 'mailbox-host:corp/mail2.corp.example'],
      ['ex01', 'connector:exchange'],
      ['ex02', 'connector:other.exchange'],
      ['gateway.corp.example', 'connector:exchange'],
      ['elsewhere.example', 'unlisted'],
    ]
    for (const [host, expected] of places) {
      const place = mailboxPlace(corp, host)
      assert.equal(typeof place === 'object' ? placeKey(place) : place, expected)
    }
  })

  it("takes an administrator's own attributes", () => {
    const [corp] = parseDirectoryConfig([
      ...ldap,
      'address_attributes = mail, otherMailbox',
      'target_attribute = forward',
      'host_attribute = mailServer',
    ]).directories
    assert(corp?.kind === 'ldap')
    const { addresses, otherwise, target, host } = corp.schema
    assert.deepEqual(
      [addresses, otherwise, target, host],
      [['mail', 'otherMailbox'], [], 'forward', 'mailServer'],
    )
    assert.deepEqual(
      corp.filter,
      parseFilterTemplate('(|(mail={address})(otherMailbox={address}))'),
    )
  })

  it('takes an empty base for a global catalog only', () => {
    const lines = (port: number): string[] => ['[corp]', `url = ldaps://dc.example:${port}`]
    for (const port of [3268, 3269]) assert.ok(parseDirectoryConfig(lines(port)))
    assert.throws(() => parseDirectoryConfig(lines(636)), {
      message: 'directory.ini [corp] base_dn: expected where searches begin, got nothing',
    })
  })

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'two places of the mailboxes',
      ['mailbox_host = [192.0.2.1]', 'mailbox_connector = x'],
      /mailbox_connector: expected it or `mailbox_host`, not both, got `x`/u,
    ],
    [
      'an unknown schema',
      ['schema = novell'],
      /schema: expected one of active-directory, sendmail, postfix-book, qmail, zimbra, got `novell`/u,
    ],
    [
      'an attribute that is none',
      ['host_attribute = mail host'],
      /host_attribute: expected the name of an attribute, got `mail host`/u,
    ],
    [
      'a listed host that is none',
      ['[corp hosts]', 'mail2 = 192.0.2.1'],
      /\[corp hosts\] mail2: expected a smart host .*, got `192\.0\.2\.1`/u,
    ],
    [
      'hosts of no directory',
      ['[unix hosts]', 'mail2 = [192.0.2.1]'],
      /\[unix hosts\]: expected the hosts of a directory, got no section \[unix\]/u,
    ],
  ]
  for (const [what, lines, message] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseDirectoryConfig([...ldap, ...lines]), { message })
    })
  }
})
