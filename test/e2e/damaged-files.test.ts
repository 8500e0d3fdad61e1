/**
 * Exports that people really have, over SMTP with real Haraka: damaged, cut off, joined, twice. Who exists
 * never hears 550, whether the damaged version comes while Haraka runs or before it starts; who never was
 * still does where the damage leaves no doubt.
 */
import assert from 'node:assert/strict'
import { existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { eventually } from './delivery/faults.js'
import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../harness/haraka.js'

const header = 'objectClass,dn,proxyAddresses,targetAddress,mail'
const rows = [
  'user,"CN=Admin,DC=corp,DC=example",SMTP:admin@example.com,,admin@example.com',
  ...Array.from({ length: 20 }, (_, n) => {
    const user = `user${n}@example.com`
    return `user,"CN=User ${n},DC=corp,DC=example",SMTP:${user};smtp:u.${n}@example.com,,${user}`
  }),
  'contact,"CN=Lotte,DC=corp,DC=example",SMTP:lotte@remote.example;smtp:lotte@example.com,SMTP:lotte@remote.example,lotte@remote.example',
]
const csv = (...lines: readonly string[]): string => [header, ...lines, ''].join('\r\n')
const good = csv(...rows)
const others = rows.filter((row) => !row.includes('User 7,'))
const everybody = ['admin@example.com', 'user3@example.com', 'u.7@example.com', 'lotte@example.com']

interface Case {
  readonly what: string
  readonly text: string
  /** without a former version: 250 or 450 for each */
  readonly alone: Readonly<Record<string, 250 | 450>>
  /** 550 for who never was, beside the former version, and without one */
  /** whom this version does not have, and says so */
  readonly gone?: readonly string[]
  readonly certain?: { readonly beside?: true; readonly alone?: true }
}

const cases: readonly Case[] = [
  {
    what: 'its header line alone',
    text: csv(),
    alone: { 'user3@example.com': 450 },
    certain: { beside: true },
  },
  {
    what: 'cut off in a row',
    text: good.slice(0, good.indexOf('u.9@')),
    alone: { 'user3@example.com': 250, 'user12@example.com': 450 },
    certain: { beside: true },
  },
  {
    what: 'cells missing in a row',
    text: csv(...others, 'user,"CN=User 7,DC=corp,DC=example",SMTP:user7@example.com'),
    alone: { 'user7@example.com': 450, 'u.7@example.com': 450, 'user3@example.com': 250 },
    certain: { beside: true },
  },
  {
    what: 'a comma too much',
    text: csv(...others, (rows[8] ?? '').replace(',SMTP:', ',,SMTP:')),
    alone: { 'user7@example.com': 450, 'u.7@example.com': 450, 'user3@example.com': 250 },
    certain: { beside: true, alone: true },
  },
  {
    what: 'a stray quote',
    text: csv(...others, (rows[8] ?? '').replace('smtp:u', 'smtp:"u')),
    alone: { 'user7@example.com': 450, 'u.7@example.com': 450, 'user3@example.com': 250 },
    certain: { beside: true, alone: true },
  },
  {
    what: "a type's name in place of the values",
    text: good
      .replaceAll(/SMTP:[^,\r\n]*/gu, 'System.Collections.ArrayList')
      .replaceAll(/,[^,\r\n]*@[^,\r\n]*(?=\r)/gu, ','),
    alone: { 'user3@example.com': 450 },
    certain: { beside: true },
  },
  {
    what: 'several addresses in one value',
    text: good.replaceAll(';smtp:', ' smtp:').replaceAll(',admin@', ',mailto:admin@'),
    alone: { 'user3@example.com': 250, 'u.7@example.com': 250, 'lotte@example.com': 250 },
    certain: { beside: true, alone: true },
  },
  {
    what: 'other types only, and mail',
    text: csv(
      ...others,
      'user,"CN=User 7,DC=corp,DC=example",sip:user7@example.com,,user7@example.com',
    ),
    alone: { 'user7@example.com': 250 },
    gone: ['u.7@example.com'],
    certain: { beside: true, alone: true },
  },
  {
    what: 'one object twice',
    text: csv(...rows, rows[8] ?? ''),
    alone: { 'user7@example.com': 250, 'u.7@example.com': 250 },
    certain: { beside: true, alone: true },
  },
  {
    what: 'a damaged name and number in columns that decide nothing',
    text: good
      .replace(header, `${header},displayName,objectGUID`)
      .replaceAll(/(?<=@[a-z.]+)\r/gu, ",X'4,X'12zz\r"),
    alone: { 'user3@example.com': 250, 'lotte@example.com': 250 },
    certain: { beside: true, alone: true },
  },
]

describe('exports that people really have', function () {
  this.timeout(120_000)

  let mailboxes: Catcher
  let remote: Catcher
  let gateway: GatewayProcess
  const path = (): string => join(gateway.configDir, 'people.csv')

  before(async () => {
    mailboxes = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    remote = await Catcher.start({ host: '127.0.0.3' })
    gateway = await startGateway({
      plugins: ['accepted-domains', 'contacts', 'connectors'].map(
        (part) => `address-space/${part}`,
      ),
      config: {
        'accepted-domains.ini': 'authoritative = example.com\npostmaster = admin@example.com\n',
        'directory.ini': `[people]\nurl = file:people.csv\nmailbox_host = ${mailboxes.smartHost}\n`,
        'connectors.ini': `[remote]\naddress_spaces = remote.example\nsmart_hosts = ${remote.smartHost}\nallow_relay = true\n`,
        'people.csv': good,
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([mailboxes?.stop(), remote?.stop()])
  })

  async function codes(addresses: readonly string[]): Promise<Record<string, number>> {
    const client = await SmtpClient.connect(gateway)
    try {
      await client.ehlo()
      await client.mail('sender@client.example')
      const answers: Record<string, number> = {}
      for (const address of addresses) answers[address] = (await client.rcpt(address)).code
      return answers
    } finally {
      await client.quit()
    }
  }

  async function restartWith(text: string, former: boolean): Promise<void> {
    await gateway.stop()
    const saved = join(gateway.configDir, '..', 'directories')
    if (!former) rmSync(saved, { recursive: true, force: true })
    writeFileSync(path(), text)
    // an export that was written a minute ago is whole
    const then = Date.now() / 1000 - 60
    utimesSync(path(), then, then)
    await gateway.start()
  }

  for (const { what, text, alone, gone = [], certain = {} } of cases) {
    it(`${what}: beside the last good version, after a restart`, async () => {
      await restartWith(good, false)
      assert.deepEqual(new Set(Object.values(await codes(everybody))), new Set([250]))
      const saved = join(gateway.configDir, '..', 'directories', 'people.file')
      await eventually(() => (existsSync(saved) ? undefined : `${saved} is not written`))
      await restartWith(text, true)
      const asked = [...everybody, ...Object.keys(alone)].filter((one) => !gone.includes(one))
      const known = await codes(asked)
      for (const [address, code] of Object.entries(known)) assert.notEqual(code, 550, address)
      const never = (await codes(['never.was@example.com']))['never.was@example.com']
      if (certain.beside) {
        assert.equal(never, 550)
        const others = asked.filter((one) => alone[one] !== 450)
        for (const address of others) assert.equal(known[address], 250, address)
      }
    })

    it(`${what}: alone`, async () => {
      await restartWith(text, false)
      assert.deepEqual(await codes(Object.keys(alone)), alone)
      const never = await codes(['never.was@example.com'])
      assert.deepEqual(never, { 'never.was@example.com': certain.alone ? 550 : 450 })
    })
  }

  it('explain says where the address stands that cannot be told', async () => {
    await restartWith(csv(...others, (rows[8] ?? '').replace(',SMTP:', ',,SMTP:')), false)
    await codes(['user7@example.com'])
    assert.ok(
      gateway.logLines.some((line) =>
        /recipient="?<?user7@example\.com.*stands in a row that could not be read \(line 23: expected 5 fields/u.test(
          line,
        ),
      ),
      gateway.logLines.filter((line) => line.includes('user7')).join('\n'),
    )
  })
})
