/** `address-space explain`: what it prints, and what it wants. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { tempDir } from '../harness/temp.js'
import { runCommand } from './command.js'

const files = {
  'smtp.ini': 'listen=127.0.0.1:2525',
  plugins: 'address-space/accepted-domains\naddress-space/contacts\naddress-space/connectors\n',
  'accepted-domains.ini': `authoritative = example.local
shared = example.com
postmaster = admin@example.local`,
  'directory.ini': `[corp]\nurl = file:contacts.csv`,
  'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Admin",user,SMTP:admin@example.local,
"CN=Lotte",contact,smtp:lotte@example.local,SMTP:lotte@example.com`,
  'connectors.ini': `[unix]
address_spaces = example.com
smart_hosts = [192.0.2.10]
allow_relay = true
[backup]
address_spaces = example.com
smart_hosts = [192.0.2.11]
cost = 20
[out]
address_spaces = *
smart_hosts = [192.0.2.12]`,
}

function install(changes: Partial<typeof files> = {}): string {
  const dir = tempDir('explain')
  mkdirSync(join(dir, 'config'))
  for (const [name, text] of Object.entries({ ...files, ...changes })) {
    writeFileSync(join(dir, 'config', name), text)
  }
  return dir
}

describe('address-space explain', function () {
  this.timeout(30_000)

  it('shows every step and the reply', async () => {
    const { code, stdout } = await runCommand(['explain', 'lotte@example.local', '-c', install()])
    assert.equal(code, 0)
    assert.equal(
      stdout,
      `lotte@example.local from a stranger at 192.0.2.1
  domain     authoritative: example.local (accepted-domains.ini)
  lookup     lotte@example.local: directory corp, CN=Lotte: a contact, targetAddress lotte@example.com
  lookup     lotte@example.com: in no directory
  contact    lotte@example.local → lotte@example.com
  connector  unix (example.com): chosen
  connector  backup (example.com): higher cost
  connector  out (*): less specific
  decision   contact: a contact → lotte@example.com
  goes to    connector unix
  reply      250 2.1.5 <lotte@example.local> recipient ok

`,
    )
  })

  it('tells the other system by its certificate and its senders', async () => {
    const dir = install({
      'connectors.ini': files['connectors.ini'].replace(
        'allow_relay',
        'sources = cert:mail.cloud.example\nsender_domains = example.com\nallow_relay',
      ),
    })
    const explained = async (...more: string[]): Promise<string> =>
      (await runCommand(['explain', 'nobody@example.com', '-c', dir, ...more])).stdout
    const certificate = ['--certificate', 'mail.cloud.example']
    assert.match(await explained(...certificate, '--sender', 'anna@example.com'), /550 5\.1\.1/u)
    assert.match(
      await explained(...certificate, '--sender', 'eve@customer.example'),
      /250 2\.1\.5/u,
    )
    assert.match(await explained('--sender', 'anna@example.com'), /250 2\.1\.5/u)
  })

  it('says why a connector lost', async () => {
    const dir = install({
      'connectors.ini': files['connectors.ini'].replace('allow_relay = true\n', ''),
    })
    const { stdout } = await runCommand(['explain', 'nobody@example.com', '-c', dir])
    assert.match(stdout, /connector {2}unix \(example\.com\): closed to strangers/u)
    assert.match(stdout, /connector {2}out \(\*\): less specific/u)
    assert.match(stdout, /reply {6}550 5\.7\.1/u)
  })

  it('reports every error of a faulty configuration', async () => {
    const dir = install({ 'directory.ini': '[corp]\n', 'connectors.ini': '[unix]\ncost = x\n' })
    const { code, stderr } = await runCommand(['explain', 'a@example.com', '-c', dir])
    assert.equal(code, 1)
    assert.match(stderr, /directory\.ini \[corp\] url: expected/u)
    assert.match(stderr, /connectors\.ini \[unix\] cost: expected/u)
  })

  it('wants addresses', async () => {
    const dir = install()
    assert.equal((await runCommand(['explain', '-c', dir])).code, 2)
    assert.equal((await runCommand(['explain', '-c', dir, 'a@b', '--from', 'here'])).code, 2)
    const { code, stderr } = await runCommand(['explain', 'anna', '-c', dir])
    assert.deepEqual([code, /expected an address/u.test(stderr)], [1, true], stderr)
  })
})
