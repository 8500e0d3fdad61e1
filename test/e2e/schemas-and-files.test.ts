/**
 * Every schema and every kind of file over SMTP: a mailbox goes to the directory's host, one with a host
 * of its own there, what leads on to the other system; an unknown address is refused. For LDAP live and
 * as a replica.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Slapd } from '../../scripts/servers/slapd.js'
import { runCommand } from '../cli/command.js'
import { describeWithServers } from '../servers.js'
import { Site, type Where } from './directory-site.js'
import { schemaCases, unknown } from './schema-cases.js'

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
