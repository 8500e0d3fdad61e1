import assert from 'node:assert/strict'

import { ConfigError } from '../../plugins/config/settings.js'
import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { stagedConfig, standInsFor } from '../../plugins/stage/staged-config.js'

const connectors = `
[main]
max_hops = 20
[unix]
address_spaces[] = example.com
address_spaces[] = *.lab.example.com
smart_hosts = [192.0.2.10], mail.unix.example
allow_relay = true
tls = verify
auth_user = gateway
auth_password_file = unix.password
bridgeheads = [192.0.2.1]
[by-mx]
address_spaces = *
`.split('\n')

const directory = `
[corp]
url = file:contacts.csv
mailbox_host = lmtp://unix:/run/lmtp
[lab]
url = file:lab.ldif
mailbox_host = mail.lab.example
[cache]
ttl = 5
`.split('\n')

describe('staged configuration', () => {
  it('needs a catcher for each connector and each directory, with its protocol', () => {
    assert.deepEqual(standInsFor({ connectors, directory }), [
      { place: 'connector:unix', protocol: 'smtp' },
      { place: 'connector:by-mx', protocol: 'smtp' },
      { place: 'mailbox-host:corp', protocol: 'lmtp' },
      { place: 'mailbox-host:lab', protocol: 'smtp' },
    ])
  })

  it('has the catchers in place of all hosts, and everything else as it was', () => {
    const staged = stagedConfig(
      { connectors, directory },
      new Map([
        ['connector:unix', '[127.0.0.2]:2001'],
        ['connector:by-mx', '[127.0.0.3]:2002'],
        ['mailbox-host:corp', 'lmtp://[127.0.0.4]:2003'],
        ['mailbox-host:lab', '[127.0.0.5]:2004'],
      ]),
    )
    const { maxHops, connectors: after } = parseConnectorsConfig(staged.connectors.split('\n'))
    const unix = after.get('unix')
    assert.equal(maxHops, 20)
    assert.deepEqual(
      unix?.addressSpaces.map(({ name }) => name),
      ['example.com', '*.lab.example.com'],
    )
    assert.deepEqual(
      [...after.values()].map(({ smartHosts }) => smartHosts.length),
      [1, 1],
    )
    assert.deepEqual([unix?.tls, unix?.authUser, unix?.allowRelay], ['none', '', true])
    assert.deepEqual(unix?.bridgeheads, [])

    const { directories, cache } = parseDirectoryConfig(staged.directory.split('\n'))
    assert.equal(cache.ttl, 5000)
    assert.deepEqual(
      directories.map(({ mailboxHost }) => mailboxHost),
      [
        { kind: 'host', protocol: 'lmtp', host: '127.0.0.4', port: 2003 },
        { kind: 'host', protocol: 'smtp', host: '127.0.0.5', port: 2004 },
      ],
    )
  })

  it('refuses a configuration with errors', () => {
    assert.throws(() => standInsFor({ connectors: ['[unix]', 'cost = x'], directory }), ConfigError)
  })
})
