/**
 * Every schema and every kind of file over SMTP: a mailbox goes to the directory's host, one with a host
 * of its own there, what leads on to the other system; an unknown address is refused. For LDAP live and
 * as a replica.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { postfixBook, qmail, zimbra } from '../../scripts/servers/mail-schemas.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { runCommand } from '../cli/command.js'
import { Catcher, send, startGateway, type GatewayProcess } from '../harness/haraka.js'
import { describeWithServers } from '../servers.js'

interface Where {
  readonly own?: readonly string[]
  readonly second?: readonly string[]
  readonly remote?: readonly string[]
  /** answered 550 */
  readonly unknown: readonly string[]
}

const hosts = ['own', 'second', 'remote'] as const

class Site {
  readonly catchers = new Map<(typeof hosts)[number], Catcher>()
  gateway: GatewayProcess | undefined

  async start(): Promise<void> {
    for (const [index, name] of hosts.entries()) {
      const protocol = name === 'remote' ? 'smtp' : 'lmtp'
      this.catchers.set(name, await Catcher.start({ host: `127.0.0.${index + 2}`, protocol }))
    }
  }

  async stop(): Promise<void> {
    await this.gateway?.stop()
    for (const catcher of this.catchers.values()) await catcher.stop()
  }

  /** A gateway whose directory has these lines and that file. */
  async open(
    lines: readonly string[],
    files: Record<string, string> = {},
  ): Promise<GatewayProcess> {
    await this.gateway?.stop()
    for (const catcher of this.catchers.values()) catcher.reset()
    this.gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'accepted-domains.ini': 'authoritative = example.com\npostmaster = anna@example.com\n',
        'directory.ini': [
          '[corp]',
          ...lines,
          `mailbox_host = ${this.host('own')}`,
          '[corp hosts]',
          `mail2.example.com = ${this.host('second')}`,
          '',
        ].join('\n'),
        'connectors.ini': `[remote]\naddress_spaces = remote.domain, unix.example.com\nsmart_hosts = ${this.host('remote')}\nallow_relay = true\n`,
        ...files,
      },
    })
    return this.gateway
  }

  /** Sends to all, and looks where each arrives; by the address that arrives. */
  async arrives(where: Where, asked: Readonly<Record<string, string>> = {}): Promise<void> {
    assert(this.gateway)
    const expected = hosts.flatMap((name) => (where[name] ?? []).map((to) => ({ name, to })))
    const to = [...expected.map((one) => asked[one.to] ?? one.to), ...where.unknown]
    const { rcpt, data } = await send(this.gateway, { from: 'sender@client.example', to })
    assert.deepEqual(
      to.map((address, index) => `${address} ${rcpt[index]?.code}`),
      to.map((address) => `${address} ${where.unknown.includes(address) ? 550 : 250}`),
    )
    assert.equal(data?.code, 250)
    for (const name of hosts) {
      const wanted = (where[name] ?? []).toSorted()
      const catcher = this.catchers.get(name)
      if (wanted.length === 0) assert.equal(catcher?.messages.length, 0, name)
      else {
        const [message] = (await catcher?.waitFor(1)) ?? []
        assert.deepEqual([...(message?.to ?? [])].toSorted(), wanted, name)
      }
    }
  }

  private host(name: (typeof hosts)[number]): string {
    return this.catchers.get(name)?.smartHost ?? ''
  }
}

const object = (name: string, lines: readonly string[], base: string): string =>
  [`dn: cn=${name},${base}`, 'objectClass: user', ...lines, '', ''].join('\n')

interface SchemaCase {
  readonly name: string
  readonly schema: string
  readonly objects: (base: string) => string
  readonly lines: readonly string[]
  readonly where: Where
  readonly asked?: Readonly<Record<string, string>>
}

const unknown = ['nobody@example.com']

const schemaCases: readonly SchemaCase[] = [
  {
    name: 'sendmail',
    schema: '',
    lines: ['schema = sendmail'],
    objects: (base) =>
      [
        object(
          'anna',
          ['objectClass: inetLocalMailRecipient', 'mailLocalAddress: anna@example.com'],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: inetLocalMailRecipient',
            'mailLocalAddress: berta@example.com',
            'mailHost: mail2.example.com',
          ],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: inetLocalMailRecipient',
            'mailLocalAddress: lotte@example.com',
            'mailRoutingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['anna@example.com'],
      second: ['berta@example.com'],
      remote: ['lotte@remote.domain'],
      unknown,
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'postfix-book',
    schema: postfixBook,
    lines: ['schema = postfix-book'],
    objects: (base) =>
      [
        object(
          'anna',
          [
            'objectClass: PostfixBookMailAccount',
            'mail: a@example.com',
            'mailAlias: anna@example.com',
          ],
          base,
        ),
        object(
          'off',
          ['objectClass: PostfixBookMailAccount', 'mail: off@example.com', 'mailEnabled: FALSE'],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: PostfixBookMailForward',
            'mailAlias: lotte@example.com',
            'mailForwardingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['a@example.com', 'anna@example.com'],
      remote: ['lotte@remote.domain'],
      unknown: [...unknown, 'off@example.com'],
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'qmail',
    schema: qmail,
    lines: ['schema = qmail'],
    objects: (base) =>
      [
        object(
          'anna',
          [
            'objectClass: qmailUser',
            'mail: anna@example.com',
            'mailForwardingAddress: copy@remote.domain',
          ],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: qmailUser',
            'mail: b@example.com',
            'mailAlternateAddress: berta@example.com',
            'mailHost: MAIL2.example.com',
          ],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: qmailUser',
            'mail: lotte@example.com',
            'deliveryMode: forwardonly',
            'mailForwardingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['anna@example.com'],
      second: ['berta@example.com'],
      remote: ['lotte@remote.domain'],
      unknown,
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'zimbra',
    schema: zimbra,
    lines: ['schema = zimbra'],
    objects: (base) =>
      [
        object(
          'anna',
          ['objectClass: zimbraAccount', 'zimbraMailDeliveryAddress: anna@example.com'],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: zimbraAccount',
            'zimbraMailDeliveryAddress: b@example.com',
            'zimbraMailAlias: berta@example.com',
            'zimbraMailHost: mail2.example.com',
          ],
          base,
        ),
      ].join(''),
    where: { own: ['anna@example.com'], second: ['berta@example.com'], unknown },
  },
  {
    name: 'own attributes',
    schema: '',
    lines: [
      'address_attributes = mail, description',
      'target_attribute = title',
      'host_attribute = mailHost',
    ],
    objects: (base) =>
      [
        object('anna', ['mail: anna@example.com'], base),
        object(
          'berta',
          [
            'objectClass: inetLocalMailRecipient',
            'mail: berta@example.com',
            'mailHost: mail2.example.com',
          ],
          base,
        ),
      ].join(''),
    where: { own: ['anna@example.com'], second: ['berta@example.com'], unknown },
  },
]

describeWithServers(['slapd'], 'every schema over SMTP', function () {
  this.timeout(60_000)
  const site = new Site()

  before(() => site.start())
  after(() => site.stop())

  for (const { name, schema, objects, lines, where, asked } of schemaCases) {
    it(`${name}: live and as a replica`, async () => {
      const slapd = await Slapd.start({ schema })
      try {
        await slapd.add(objects(slapd.baseDn))
        const { url, baseDn, bindDn, password } = slapd
        const server = [
          `url = ${url}`,
          `base_dn = ${baseDn}`,
          `bind_dn = ${bindDn}`,
          `bind_password = ${password}`,
        ]
        await site.open([...server, ...lines])
        await site.arrives(where, asked)

        const gateway = await site.open([...server, ...lines, 'mode = replica'])
        await gateway.waitForLog(/\d objects with \d addresses in use/u)
        await slapd.stop()
        await site.arrives(where, asked)

        if (name !== 'sendmail') return
        await slapd.restart()
        // a plain table of it sends everybody to the same place
        const table = join(gateway.dir, 'table.csv')
        const exported = await runCommand([
          'export',
          '--table',
          '--all',
          '--directory',
          'corp',
          '--config',
          gateway.dir,
          table,
        ])
        assert.equal(exported.code, 0, exported.stderr)
        await site.open(['url = file:table.csv'], { 'table.csv': readFileSync(table, 'utf8') })
        await site.arrives(where, asked)
      } finally {
        await slapd.remove()
      }
    })
  }
})

const fixture = (name: string): string =>
  readFileSync(join(__dirname, '..', 'fixtures', 'directories', name), 'utf8')

const fileCases: readonly (readonly [string, Where, Readonly<Record<string, string>>])[] = [
  [
    'exchange-online-ps5.csv',
    {
      own: ['anna.berg@example.com', 'info@example.com', 'all@example.com'],
      remote: ['lotte@remote.domain', 'walter@unix.example.com'],
      unknown,
    },
    { 'lotte@remote.domain': 'lotte@example.com', 'walter@unix.example.com': 'walter@example.com' },
  ],
  ['google-users.csv', { own: ['anna@example.com', 'bert@example.com'], unknown }, {}],
  ['google-gam.csv', { own: ['a.berg@example.com', 'bert@example.com'], unknown }, {}],
  [
    'plain-excel-german.csv',
    {
      own: ['anna@example.com'],
      second: ['berta@example.com'],
      remote: ['lotte@remote.domain'],
      unknown,
    },
    { 'lotte@remote.domain': 'lotte@example.com' },
  ],
  [
    'plain-tab.tsv',
    { own: ['anna@example.com'], remote: ['lotte@remote.domain'], unknown },
    { 'lotte@remote.domain': 'lotte@example.com' },
  ],
  [
    'plain-old-mac.csv',
    { own: ['anna@example.com'], remote: ['lotte@remote.domain'], unknown },
    { 'lotte@remote.domain': 'lotte@example.com' },
  ],
  ['list.txt', { own: ['anna@example.com', 'carl@example.com'], unknown }, {}],
  [
    'csvde-excel-semicolon.csv',
    { own: ['a.berg@example.com'], remote: ['lotte@remote.domain'], unknown },
    { 'lotte@remote.domain': 'lotte@example.com' },
  ],
  [
    'virtual.map',
    { own: ['anna@example.com', 'team@example.com'], remote: ['lotte@remote.domain'], unknown: [] },
    { 'lotte@remote.domain': 'lotte@example.com' },
  ],
  ['relay_recipients.map', { own: ['anna@example.com', 'berta@example.com'], unknown: [] }, {}],
]

describe('every kind of file over SMTP', function () {
  this.timeout(60_000)
  const site = new Site()

  before(() => site.start())
  after(() => site.stop())

  for (const [name, where, asked] of fileCases) {
    it(name, async () => {
      await site.open([`url = file:${name}`], { [name]: fixture(name) })
      await site.arrives(where, asked)
    })
  }
})
