/** `address-space check` with real servers: what is reached and works, and what is not. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkInstall } from '../../plugins/cli/check/check.js'
import type { Finding } from '../../plugins/operations/finding.js'
import { readInstall } from '../../plugins/cli/opened-install.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { Catcher } from '../harness/catcher.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'

const person = (base: string, cn: string, classes: string, ...lines: string[]): string =>
  [`dn: cn=${cn},${base}`, `objectClass: ${classes}`, `cn: ${cn}`, ...lines, ''].join('\n')

function people(base: string): string {
  return [
    person(base, 'Admin', 'user', 'proxyAddresses: SMTP:admin@example.com'),
    person(
      base,
      'Lotte',
      'contact',
      'proxyAddresses: smtp:lotte@example.com',
      'targetAddress: SMTP:lotte@nowhere.example',
    ),
  ].join('\n')
}

describeWithServers(['slapd'], 'address-space check with real servers', function () {
  this.timeout(30_000)
  let slapd: Slapd
  let unix: Catcher
  let mailboxes: Catcher

  before(async () => {
    slapd = await Slapd.start()
    await slapd.add(people(slapd.baseDn))
    unix = await Catcher.start({ host: '127.0.0.2' })
    mailboxes = await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' })
  })
  after(async () => {
    await slapd.remove()
    await unix.stop()
    await mailboxes.stop()
  })

  async function check(
    changes: { directory?: string[]; connector?: string[] },
    bindDn = slapd.bindDn,
  ): Promise<Finding[]> {
    const dir = tempDir('check')
    mkdirSync(join(dir, 'config'))
    const files = {
      'smtp.ini': `listen=127.0.0.1:${await freePort('127.0.0.1')}`,
      'accepted-domains.ini': 'shared = example.com\npostmaster = admin@example.com',
      'directory.ini': [
        '[corp]',
        `base_dn = ${slapd.baseDn}`,
        `bind_dn = ${bindDn}`,
        `mailbox_host = ${mailboxes.smartHost}`,
        ...(changes.directory ?? [`url = ${slapd.url}`, `bind_password = ${slapd.password}`]),
      ].join('\n'),
      'connectors.ini': [
        '[unix]',
        'address_spaces = example.com',
        'allow_relay = true',
        ...(changes.connector ?? [`smart_hosts = ${unix.smartHost}`]),
      ].join('\n'),
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'config', name), text)
    return checkInstall(readInstall(dir), {})
  }

  const texts = (findings: Finding[], kind: Finding['kind']): string =>
    findings
      .filter((one) => one.kind === kind)
      .map(({ where, what }) => `${where}: ${what}`)
      .join('\n')

  it('says what works, and judges what the directory holds', async () => {
    const findings = await check({})
    const good = texts(findings, 'good')
    assert.match(
      good,
      /corp, ldap:\S+: reached, bound and searched; a lookup takes \d+ ms; 2 objects with 2 addresses, 1 of them lead on/u,
    )
    assert.match(good, /\[unix\] smart_hosts \[127\.0\.0\.2\]:\d+: .* greets in \d+ ms, not enc/u)
    assert.match(good, /\[corp\] mailbox_host lmtp:\S+: .* greets in/u)
    assert.equal(
      texts(findings, 'wrong'),
      'directory corp: lotte@example.com: no connector takes lotte@nowhere.example',
    )
  })

  it('says so when the account may only read a part, and judges nothing that it did not see', async () => {
    const small = await Slapd.start({ database: ['limits * size=500'] })
    const names = Array.from({ length: 510 }, (_, index) => `user${index}`)
    const entries = names.map((name) =>
      person(small.baseDn, name, 'user', `proxyAddresses: smtp:${name}@example.com`),
    )
    await small.add([people(small.baseDn), ...entries].join('\n'))
    const findings = await check({ directory: [`url = ${small.url}`] }, '')
    await small.remove()
    assert.match(texts(findings, 'note'), /gives this account 500 objects and no more/u)
    assert.doesNotMatch(texts(findings, 'wrong'), /postmaster|no directory has an address/u)
  })

  it('checks encryption and certificates', async () => {
    const password = `bind_password = ${slapd.password}`
    const trusted = [`url = ${slapd.secureUrl}`, password, `tls_ca_file = ${slapd.certificates.ca}`]
    assert.match(texts(await check({ directory: trusted }), 'good'), /corp, ldaps:/u)
    const untrusted = await check({ directory: [`url = ${slapd.secureUrl}`, password] })
    const [finding] = untrusted.filter(({ where }) => where.includes('ldaps:'))
    assert.equal(finding?.kind, 'wrong')
    assert.match(`${finding.what} ${finding.todo ?? ''}`, /certificate.* tls_ca_file/u)
  })

  const down = 'ldap://127.0.0.1:1'
  const wrong: [what: string, directory: (server: Slapd) => string[], pattern: RegExp][] = [
    [
      'a server that is down',
      () => [`url = ${down}`, 'bind_password = x'],
      /corp, ldap:\/\/127\.0\.0\.1:1: .*connecting: .*ECONNREFUSED/u,
    ],
    [
      'the second of two servers',
      (server) => [`url = ${server.url}, ${down}`, `bind_password = ${server.password}`],
      /corp, ldap:\/\/127\.0\.0\.1:1: .*connecting/u,
    ],
    [
      'a password that is not the one',
      (server) => [`url = ${server.url}`, 'bind_password = wrong'],
      /bind: LDAP result 49 \(InvalidCredentials/u,
    ],
    [
      'a filter that finds nothing',
      (server) => [
        `url = ${server.url}`,
        `bind_password = ${server.password}`,
        'filter = (mail={address})',
      ],
      /no object with any address can be found/u,
    ],
  ]
  for (const [what, directory, pattern] of wrong) {
    it(`finds ${what}`, async () => {
      assert.match(texts(await check({ directory: directory(slapd) }), 'wrong'), pattern)
    })
  }

  const hosts: [what: string, lines: string[], pattern: RegExp][] = [
    ['a host that is down', ['smart_hosts = [127.0.0.2]:1'], /\[127\.0\.0\.2\]:1: .*ECONNREFUSED/u],
    [
      'a name that is in no DNS',
      ['smart_hosts = [host.invalid]'],
      /\[host\.invalid\]: host\.invalid: /u,
    ],
  ]
  for (const [what, lines, pattern] of hosts) {
    it(`finds ${what}`, async () => {
      assert.match(texts(await check({ connector: lines }), 'wrong'), pattern)
    })
  }

  it('finds a host without the TLS that it must have', async () => {
    const connector = [`smart_hosts = ${unix.smartHost}`, 'tls = required']
    assert.match(texts(await check({ connector }), 'wrong'), /expected the host to offer STARTTLS/u)
  })
})
