/** A configuration that is wrong stops Haraka at start, with every error in the log. */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { makeGateway } from '../harness/haraka.js'

const good = {
  'accepted-domains.ini': `
authoritative = example.local
shared = example.com
postmaster = admin@example.local
`,
  'directory.ini': '[corp]\nurl = file:contacts.csv\n',
  'contacts.csv': 'dn,proxyAddresses\n"CN=Admin",SMTP:admin@example.local\n',
  'connectors.ini': '[unix]\naddress_spaces = example.com\nsmart_hosts = [127.0.0.2]\n',
}

type Case = [name: string, files: Record<string, string>, ...errors: RegExp[]]

const cases: Case[] = [
  [
    'no accepted-domains.ini',
    { 'accepted-domains.ini': '' },
    /accepted-domains\.ini postmaster: expected the address/u,
  ],
  ['no directory.ini', { 'directory.ini': '' }, /authoritative: example\.local needs a directory/u],
  [
    'several errors in one file',
    { 'connectors.ini': '[unix]\nadress_spaces = example.com\ncost = abc\n' },
    /connectors\.ini \[unix\] adress_spaces: unknown key; expected one of address_spaces,/u,
    /connectors\.ini \[unix\] cost: expected a whole number from 0 up, got `abc`/u,
  ],
  [
    'an authoritative domain that strangers may send on',
    {
      'connectors.ini': `${good['connectors.ini']}allow_relay = true
[wrong]
address_spaces = example.local
allow_relay = true
`,
    },
    /connectors\.ini \[wrong\] address_spaces: example\.local is authoritative/u,
  ],
  [
    'a shared domain without a connector',
    { 'connectors.ini': '' },
    /accepted-domains\.ini shared: example\.com has no connector/u,
  ],
  [
    'a short loop secret',
    { 'address-space.secret': 'short\n' },
    /connectors\.ini \[main\] loop_secret_file: expected at least 32 characters/u,
  ],
]

const plugins = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]

describe('a wrong configuration stops Haraka', () => {
  for (const [name, files, ...errors] of cases) {
    it(name, async function () {
      this.timeout(30_000)
      const gateway = await makeGateway({ plugins, config: { ...good, ...files } })
      await chmod(join(gateway.configDir, 'address-space.secret'), 0o600).catch(() => undefined)
      await assert.rejects(gateway.start(), /Haraka ended \(exit code [1-9]/u)
      for (const error of errors) assert.match(gateway.log, error)
      assert.doesNotMatch(gateway.log, /Listening|    at /u)
    })
  }

  it('a smart host that is the gateway itself', async () => {
    const gateway = await makeGateway({ plugins, config: good })
    const connectors = good['connectors.ini'].replace('[127.0.0.2]', `[127.0.0.1]:${gateway.port}`)
    await writeFile(join(gateway.configDir, 'connectors.ini'), connectors)
    await assert.rejects(gateway.start(), /Haraka ended/u)
    assert.match(gateway.log, /smart_hosts: \[127\.0\.0\.1\]:\d+ is this gateway itself/u)
  })

  it('a loop secret that others can read', async () => {
    const secret = { 'address-space.secret': `${'k'.repeat(43)}\n` }
    const gateway = await makeGateway({ plugins, config: { ...good, ...secret } })
    await chmod(join(gateway.configDir, 'address-space.secret'), 0o644)
    await assert.rejects(gateway.start(), /Haraka ended/u)
    assert.match(gateway.log, /expected a file for its owner alone \(mode 600\), got mode 644/u)
  })

  it('passwords of connectors that are missing, or that others can read', async () => {
    const own = `${good['connectors.ini']}auth_user = a\nauth_password_file = unix.password\n`
    const config = { ...good, 'connectors.ini': own }
    const missing = await makeGateway({ plugins, config })
    await assert.rejects(missing.start(), /Haraka ended/u)
    assert.match(missing.log, /connectors\.ini \[unix\] auth_password_file: .*expected a secret/u)

    const open = await makeGateway({ plugins, config: { ...config, 'unix.password': 'x\n' } })
    await chmod(join(open.configDir, 'unix.password'), 0o644)
    await assert.rejects(open.start(), /Haraka ended/u)
    assert.match(open.log, /connectors\.ini \[unix\] auth_password_file: .*got mode 644/u)
  })

  it('and a right one does not', async () => {
    const gateway = await makeGateway({ plugins, config: good })
    await gateway.start()
    await gateway.stop()
    assert.match(gateway.log, /authoritative: example\.local; shared: example\.com;/u)
    assert.match(gateway.log, /contacts are followed in directories: corp/u)
    assert.match(gateway.log, /connectors: unix \(example\.com\); gateway id gateway\.example/u)
  })
})
