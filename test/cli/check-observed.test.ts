/** `check --log`: when an observed domain is ready to become authoritative. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { tempDir } from '../harness/temp.js'
import { runCommand } from './command.js'

const line = (recipient: string, observed: boolean): string =>
  `[NOTICE] [0A.1] [address-space/accepted-domains] decision=shared recipient=${JSON.stringify(recipient)} place="connector:unix"${observed ? ' observed="would-be-refused"' : ''}`

describe('address-space check --log', function () {
  this.timeout(30_000)
  const dir = tempDir('observed')

  before(() => {
    mkdirSync(join(dir, 'config'))
    const files = {
      'smtp.ini': 'listen=127.0.0.1:2525',
      'accepted-domains.ini': 'observe = x.example\npostmaster = anna@x.example',
      'directory.ini': '[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.1]:24',
      'contacts.csv':
        'dn,objectClass,proxyAddresses\ncn=Anna,user,SMTP:anna@x.example;smtp:new@x.example',
      'connectors.ini':
        '[unix]\naddress_spaces = x.example\nsmart_hosts = [192.0.2.1]\nallow_relay = true',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'config', name), text)
  })

  const cases: [what: string, lines: string[] | undefined, pattern: RegExp][] = [
    ['without a log', undefined, /^! .*x\.example: is observed[^]*--log FILE/mu],
    ['nothing seen', ['[NOTICE] started'], /^! .*: the log has no decision for it/mu],
    [
      'nobody would be refused',
      [line('anna@x.example', false), line('anna@x.example', false)],
      /^✓ .*observe x\.example: ready to become authoritative: 2 decisions in the log, none/mu,
    ],
    [
      'all are there now',
      [line('anna@x.example', false), line('New@x.example', true)],
      /^✓ .*: ready to become authoritative: 2 decisions in the log, all 1 are in the directory/mu,
    ],
    [
      'some are not',
      [line('new@x.example', true), line('b@x.example', true), line('B@x.example', true)],
      /^! .*: not ready: of 3 decisions in the log 1 addresses would still be refused: b@x\.example \(2\)/mu,
    ],
    ['other domains', [line('a@y.example', true)], /the log has no decision for it/u],
  ]
  for (const [what, lines, pattern] of cases) {
    it(what, async () => {
      const log = join(dir, 'haraka.log')
      if (lines) writeFileSync(log, lines.join('\n'))
      const args = ['check', '--offline', '-c', dir, ...(lines ? ['--log', log] : [])]
      const { code, stdout, stderr } = await runCommand(args)
      assert.equal(code, 0, stdout + stderr)
      assert.match(stdout, pattern)
    })
  }
})
