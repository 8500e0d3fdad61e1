/** `check` asks smart hosts whether they know their recipients. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkInstall } from '../../plugins/cli/check/check.js'
import type { Finding } from '../../plugins/operations/finding.js'
import { readInstall } from '../../plugins/cli/opened-install.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { FaultServer, type Script } from '../harness/fault-server.js'
import { tempDir } from '../harness/temp.js'

const knows = (...names: string[]): Script => ({
  rcpt: (address) => (names.includes(address.split('@', 1)[0] ?? '') ? undefined : '550 5.1.1 no'),
})

describe('address-space check asks smart hosts', () => {
  let host: FaultServer
  before(async () => {
    host = await FaultServer.start({ host: '127.0.0.2' })
  })
  after(() => host.stop())

  async function check(script: Script, verify: boolean): Promise<Finding[]> {
    host.change(script)
    host.memory.clear()
    const dir = tempDir('check')
    mkdirSync(join(dir, 'config'))
    const files = {
      'smtp.ini': `listen=127.0.0.1:${await freePort('127.0.0.1')}`,
      'accepted-domains.ini': 'shared = example.com\npostmaster = admin@example.com',
      'directory.ini': '[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.4]:1\n',
      'contacts.csv': 'dn,objectClass,proxyAddresses\ncn=Admin,user,SMTP:admin@example.com\n',
      'connectors.ini': [
        '[unix]',
        'address_spaces = example.com, *.example.com',
        'allow_relay = true',
        `verify_recipients = ${verify}`,
        `smart_hosts = ${host.smartHost}`,
      ].join('\n'),
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'config', name), text)
    const findings = await checkInstall(readInstall(dir), {})
    assert.ok(!host.commands.some((line) => line.startsWith('DATA')))
    return findings.filter(({ where }) => where.startsWith('connectors.ini [unix] smart_hosts'))
  }

  const relay = '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'
  const cases: [string, Script, boolean, ['good' | 'note' | 'wrong', RegExp] | undefined][] = [
    ['tells apart', knows('postmaster'), true, ['good', /tells addresses apart \(example\.com\)/u]],
    ['tells apart, not verified', knows('postmaster'), false, undefined],
    ['takes all', {}, true, ['note', /takes every address.*verify_recipients cannot help/u]],
    ['takes all, not verified', {}, false, undefined],
    [
      'refuses all',
      { rcpt: () => relay },
      false,
      ['wrong', /refuses every address.*5\.7\.54.*not about the addresses.*accepted domain/u],
    ],
    [
      'refuses the null sender',
      { mail: '550 5.7.1 Sender denied' },
      true,
      ['wrong', /refuses every address.*null sender/u],
    ],
    [
      'knows no postmaster',
      knows('anna'),
      true,
      ['note', /cannot be told.*postmaster of the dom/u],
    ],
    ['knows no postmaster, not verified', knows('anna'), false, undefined],
    ['greylists', { rcpt: () => '450 4.2.0 greylisted' }, true, ['note', /it answered 450/u]],
    ['closes', { mail: 'close' }, true, ['note', /ends the session when asked/u]],
    ['closes, not verified', { mail: 'close' }, false, undefined],
  ]
  for (const [name, script, verify, expected] of cases) {
    it(`${name}: ${expected?.[0] ?? 'nothing to say'}`, async () => {
      const [greeted, ...asked] = await check(script, verify)
      assert.match(greeted?.what ?? '', /greets in/u)
      assert.equal(asked.length, expected ? 1 : 0, JSON.stringify(asked))
      if (!expected) return
      const [finding] = asked
      assert.equal(finding?.kind, expected[0])
      assert.match(`${finding.what} ${finding.why ?? ''} ${finding.todo ?? ''}`, expected[1])
    })
  }
})
