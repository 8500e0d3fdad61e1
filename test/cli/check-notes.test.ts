/** What `check` finds worth a look, in a configuration that is not wrong. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkInstall } from '../../plugins/cli/check/check.js'
import { readInstall } from '../../plugins/cli/opened-install.js'
import { tempDir } from '../harness/temp.js'

const good = join(__dirname, 'bad-configs', 'good')
const text = (name: string): string => readFileSync(join(good, name), 'utf8')
const ldap = (lines: string): string => `${text('directory.ini')}[ldap]
base_dn = dc=x
bind_dn = cn=haraka,dc=x
bind_password = secret
mailbox_host = lmtp://[127.0.0.1]:24
${lines}
`

interface Case {
  readonly what: string
  readonly files: Record<string, string>
  readonly note: RegExp
}

const cases: Case[] = [
  {
    what: 'nothing enabled yet',
    files: { plugins: 'tls\n' },
    note: /^config\/plugins: enables no part of the pack yet$/u,
  },
  {
    what: 'in_host_list below',
    files: { plugins: `${text('plugins')}rcpt_to.in_host_list\n` },
    note: /^config\/plugins: rcpt_to\.in_host_list stands below address-space\/accepted-domains$/u,
  },
  {
    what: 'a queue plugin below that gets nothing',
    files: { plugins: `${text('plugins')}queue/smtp_forward\n` },
    note: /^config\/plugins: queue\/smtp_forward stands below address-space\/connectors$/u,
  },
  {
    what: 'a domain that was taken before',
    files: { host_list: '# mine\nexample.com\nold.example\n' },
    note: /^config\/host_list: old\.example: not in accepted-domains\.ini$/u,
  },
  {
    what: 'a connector that is open for nobody',
    files: {
      'connectors.ini': text('connectors.ini').replace('= partner', '= other.example, partner'),
    },
    note: /^connectors\.ini \[partner\] address_spaces: other\.example: in no accepted domain$/u,
  },
  {
    what: 'a password in plain text to a smart host',
    files: {
      'connectors.ini': text('connectors.ini').replace(
        'allow_relay',
        'tls = none\nauth_user = a\nauth_password_file = ../secret\nallow_relay',
      ),
    },
    note: /^connectors\.ini \[unix\] tls: is none, and there is a password$/u,
  },
  ...(
    [
      [
        "a cloud's addresses as a source",
        'sources = 40.92.0.0/16',
        /^connectors\.ini \[unix\] sources: 40\.92\.0\.0\/16 is Exchange Online's, for all its customers$/u,
      ],
      [
        "a cloud's certificate without our domains",
        'sources = cert:mail.protection.outlook.com',
        /^connectors\.ini \[unix\] sender_domains: not said, and sources has a certificate$/u,
      ],
      [
        'a cloud as smart host, and where its mail comes from is not said',
        'cost = 1\nsmart_hosts = [x.mail.protection.outlook.com]',
        /^connectors\.ini \[unix\] sources: not said, and the smart host is Exchange Online's$/u,
      ],
    ] as const
  ).map(([what, lines, found]) => ({
    what,
    files: {
      plugins: `tls\n${text('plugins')}`.replace('tls\ntls', 'tls'),
      'connectors.ini': text('connectors.ini')
        .replace(lines.includes('smart_hosts') ? 'smart_hosts = [192.0.2.10]\n' : '\0', '')
        .replace('allow_relay', `${lines}\nallow_relay`),
    },
    note: found,
  })),
  {
    what: 'a directory that is not encrypted',
    files: { 'directory.ini': ldap('url = ldap://dc1.corp.example') },
    note: /^directory\.ini \[ldap\] url: ldap:\/\/dc1\.corp\.example is not encrypted$/u,
  },
  {
    what: 'a certificate that is not checked',
    files: { 'directory.ini': ldap('url = ldaps://dc1.corp.example\ntls_verify = false') },
    note: /^directory\.ini \[ldap\] tls_verify: is false$/u,
  },
  {
    what: 'several addresses in one value',
    files: {
      'contacts.csv': `${text('contacts.csv')}CN=B,user,SMTP:b@example.local smtp:c@example.local,\n`,
    },
    note: /^directory corp: line 4: proxyAddresses: expected one address a value, got `SMTP:b@/u,
  },
  {
    what: 'an address in two directories',
    files: {
      'directory.ini': `${text('directory.ini')}[copy]\nurl = file:contacts.csv\nmailbox_host = [192.0.2.1]\n`,
    },
    note: /^directory copy: admin@example\.local, .*: in directory corp too$/u,
  },
  {
    what: 'addresses that nobody serves',
    files: {
      'contacts.csv': `${text('contacts.csv')}CN=B,user,smtp:b@else.example;smtp:c@else.example,\n`,
    },
    note: /^accepted-domains\.ini: domains of the directory that are no accepted domain: else\.example \(2\)$/u,
  },
  {
    what: 'a shared domain of which nobody is here',
    files: {
      'accepted-domains.ini': text('accepted-domains.ini').replace('relay =', 'shared[] ='),
    },
    note: /^accepted-domains\.ini shared: partner\.example: no directory has an address of it$/u,
  },
  {
    what: 'a relay domain of which somebody is here',
    files: { 'contacts.csv': `${text('contacts.csv')}CN=B,user,smtp:b@partner.example,\n` },
    note: /^accepted-domains\.ini relay: partner\.example: 1 addresses of it are in a directory$/u,
  },
]

describe('check: worth a look', () => {
  for (const { what, files, note } of cases) {
    it(what, async () => {
      const dir = tempDir('notes')
      cpSync(good, join(dir, 'config'), { recursive: true })
      writeFileSync(join(dir, 'secret'), 'secret', { mode: 0o600 })
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(dir, 'config', name), content)
      }
      const findings = await checkInstall(readInstall(dir), { offline: true })
      const of = (kind: string): string[] =>
        findings.filter((one) => one.kind === kind).map((one) => `${one.where}: ${one.what}`)
      assert.deepEqual(of('wrong'), [])
      assert.equal(of('note').length, 1, of('note').join('\n'))
      assert.match(of('note')[0] ?? '', note)
    })
  }
})
