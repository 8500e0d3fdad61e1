import assert from 'node:assert/strict'

import { ConfigError } from '../../plugins/config/settings.js'
import {
  parseDirectoryConfig,
  type FileSettings,
  type LdapSettings,
} from '../../plugins/directory/config.js'

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
          mailboxHost: { kind: 'host', protocol: 'lmtp', host: '127.0.0.1', port: 24 },
        },
        {
          kind: 'file',
          name: 'export',
          format: 'ldif',
          path: 'contacts.LDIF',
          allowShrink: true,
          mailboxHost: undefined,
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
      kind: 'equal',
      attribute: 'proxyAddresses',
      value: 'smtp:{address}',
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
    ['another extension', ['[a]', 'url = file:x.txt'], /ends in .csv or .ldif, got `file:x.txt`/u],
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
})
