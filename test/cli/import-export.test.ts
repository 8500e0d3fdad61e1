/**
 * `import --dry-run`, `import`, `export`, `import` again (nothing to do), against slapd and against
 * Samba as an Active Directory domain controller.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Samba } from '../../scripts/servers/samba.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'
import { runCommand, type CommandRun } from './command.js'

interface Server {
  readonly baseDn: string
  readonly bindDn: string
  readonly password: string
  readonly url: string
  add(ldif: string): Promise<void>
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  restart(): Promise<void>
  remove(): Promise<void>
}

/** `IMPORT_CONTACTS=10000` for a long one, of a minute and a half on Samba. */
const many = Number(process.env['IMPORT_CONTACTS'] ?? 400)
// milliseconds
const manyTime = many * 30

const header =
  'objectClass,dn,name,cn,sn,givenName,displayName,proxyAddresses,targetAddress,mail,mailnickname'

function contactRow(
  base: string,
  cn: string,
  changes: { target?: string; nick?: string } = {},
): string {
  const nick = changes.nick ?? cn.toLowerCase().replaceAll(/\W/gu, '')
  const target = changes.target ?? `${nick || 'x'}@remote.domain`
  const proxies = `SMTP:${target}; smtp:${nick || 'x'}@xo.one`
  return `contact,"cn=${cn},ou=internet users,${base}",${cn},${cn},,,${cn},${proxies},SMTP:${target},${target},${nick}`
}

/** A contact whose name may hold any sign, escaped as a distinguished name and a CSVDE cell want it. */
function specialRow(unit: string, cn: string, at: number): string {
  const escaped = cn.replace(/^#|[,+"\\<>;=]/gu, '\\$&')
  const cell = cn.replaceAll(';', '\\;')
  const target = `special${at}@remote.domain`
  const proxies = `SMTP:${target};smtp:special${at}@xo.one`
  const name = [cell, cell, '', '', cell]
  const cells = ['contact', `cn=${escaped},${unit}`, ...name, proxies, `SMTP:${target}`, target]
  return [...cells, `special${at}`].map((one) => `"${one.replaceAll('"', '""')}"`).join(',')
}

function suite(start: () => Promise<Server>): void {
  let server: Server
  let dir: string
  let file: string

  before(async function () {
    this.timeout(60_000)
    server = await start()
    await server.add(
      `dn: ou=internet users,${server.baseDn}\nobjectClass: organizationalUnit\nou: internet users\n`,
    )
    dir = tempDir('import')
    mkdirSync(join(dir, 'config'))
    writeFileSync(join(dir, 'config', 'smtp.ini'), '')
    writeFileSync(
      join(dir, 'config', 'directory.ini'),
      [
        '[corp]',
        `url = ${server.url}`,
        `base_dn = ${server.baseDn}`,
        `bind_dn = ${server.bindDn}`,
        `bind_password = ${server.password}`,
        '[exported]',
        'url = file:exported.csv',
      ].join('\n'),
    )
    file = join(dir, 'contacts.csv')
    writeRows(contactRow(server.baseDn, 'Internet User'), contactRow(server.baseDn, 'Jürgen Groß'))
  })
  after(() => server.remove())

  const writeRows = (...rows: string[]): void => {
    writeFileSync(file, [header, ...rows].join('\r\n'))
  }
  const command = (...args: string[]): Promise<CommandRun> =>
    runCommand([args[0] ?? '', '--directory', 'corp', '--config', dir, ...args.slice(1)])
  const summary = ({ stderr }: CommandRun): string => stderr.trim().split('\n').at(-1) ?? ''

  it('shows what would be created, and changes nothing', async () => {
    for (let times = 0; times < 2; times += 1) {
      const run = await command('import', file, '--dry-run')
      assert.equal(run.code, 0, run.stderr)
      assert.match(run.stdout, /^created {2}cn=Internet User,ou=internet users/mu)
      assert.equal(summary(run), '2 would be created, 0 would be updated, 0 unchanged, 0 refused.')
    }
  })

  it('creates contacts, and finds them unchanged', async () => {
    const first = await command('import', file)
    assert.deepEqual(
      [first.code, summary(first)],
      [0, '2 created, 0 updated, 0 unchanged, 0 refused.'],
    )
    const again = await command('import', file)
    assert.deepEqual(
      [again.code, summary(again)],
      [0, '0 created, 0 updated, 2 unchanged, 0 refused.'],
    )
    assert.equal(again.stdout, '')
  })

  it('updates what differs, and says how', async () => {
    const rows = [contactRow(server.baseDn, 'Internet User', { target: 'user@new.domain' })]
    writeRows(...rows, contactRow(server.baseDn, 'Jürgen Groß'))
    const dry = await command('import', file, '--dry-run')
    assert.match(
      dry.stdout,
      /^updated [^]*targetaddress: SMTP:internetuser@remote\.domain → SMTP:user@new\.domain/u,
    )
    const run = await command('import', file)
    assert.equal(summary(run), '0 created, 1 updated, 1 unchanged, 0 refused.')
    assert.equal(
      summary(await command('import', file)),
      '0 created, 0 updated, 2 unchanged, 0 refused.',
    )
  })

  for (const name of ['exported.csv', 'exported.ldif']) {
    it(`exports what import and the file directory read back: ${name}`, async () => {
      const exported = join(dir, 'config', name)
      const run = await command('export', exported)
      assert.deepEqual([run.code, summary(run)], [0, `2 contacts in ${exported}.`])
      const again = await command('import', exported)
      assert.equal(summary(again), '0 created, 0 updated, 2 unchanged, 0 refused.', again.stdout)
      if (name.endsWith('.ldif')) return
      const copy = join(dir, 'copy.csv')
      const copied = await runCommand(['export', '-d', 'exported', '-c', dir, copy])
      assert.equal(copied.code, 0)
      assert.equal(readFileSync(copy, 'utf8'), readFileSync(exported, 'utf8'))
    })
  }

  it('refuses rows one by one, and goes on', async () => {
    const good = contactRow(server.baseDn, 'Late Comer')
    const { baseDn } = server
    writeRows(
      contactRow(baseDn, 'No Nick', { nick: '' }),
      contactRow(baseDn, 'Twin', { nick: 'internetuser', target: 'twin@remote.domain' }),
      contactRow(baseDn, 'Nowhere').replace('ou=internet users', 'ou=not there'),
      contactRow(baseDn, 'Same', { nick: 'late', target: 'late@remote.domain' }),
      contactRow(baseDn, 'Same 2', { nick: 'late', target: 'late2@remote.domain' }),
      'contact,too,few',
      good,
    )
    const run = await command('import', file)
    assert.equal(run.code, 1)
    assert.equal(summary(run), '2 created, 0 updated, 0 unchanged, 5 refused.')
    const refused = run.stdout.split('\n').filter((line) => line.startsWith('refused'))
    const reasons = [
      /^refused {2}line 2: cn=No Nick,.*: mailNickname: .*no E-mail Addresses tab/u,
      /^refused {2}line 3: cn=Twin,.*: internetuser@xo\.one: cn=Internet User,.* has it already/iu,
      /^refused {2}line 4: cn=Nowhere,.*: LDAP result 32/u,
      /^refused {2}line 6: .*late@xo\.one: line 5 has it already/u,
      /^refused {2}line 7: expected 11 fields/u,
    ]
    for (const reason of reasons)
      assert(
        refused.some((line) => reason.test(line)),
        `${reason}\n${run.stdout}`,
      )
  })

  it('finds names with every special character of RFC 4514 unchanged', async () => {
    const names = ['a, b', 'a+b', 'a"b"', 'a\\b', 'a<b>', 'a; b', 'a=b', '#1', 'a (b) / c', 'Ü, ß+']
    const unit = `ou=east\\, west\\+north\\;,ou=internet users,${server.baseDn}`
    await server.add(
      `dn: ou=east\\2C west\\2Bnorth\\3B,ou=internet users,${server.baseDn}\nobjectClass: organizationalUnit\nou: east, west+north;\n`,
    )
    writeRows(...names.map((cn, at) => specialRow(unit, cn, at)))
    const first = await command('import', file)
    assert.deepEqual(
      [first.code, summary(first)],
      [0, `${names.length} created, 0 updated, 0 unchanged, 0 refused.`],
      first.stdout,
    )
    const again = await command('import', file)
    assert.deepEqual(
      [again.code, summary(again), again.stdout],
      [0, `0 created, 0 updated, ${names.length} unchanged, 0 refused.`, ''],
    )
  })

  it('goes on where it was interrupted', async () => {
    const { baseDn } = server
    const rows = Array.from({ length: many }, (_, index) => contactRow(baseDn, `Many ${index}`))
    writeRows(...rows)
    const run = await runCommand(['import', '-d', 'corp', '-c', dir, file], {
      interruptAt: /Many 20/u,
    })
    assert.equal(run.code, 1)
    assert.match(run.stderr, /^Stopped: interrupted\nRun it again/mu)
    const created = Number(/^(\d+) created/mu.exec(run.stderr)?.[1])
    assert(created > 0 && created < many, run.stderr)
    assert.equal(
      summary(await command('import', file)),
      `${many - created} created, 0 updated, ${created} unchanged, 0 refused.`,
    )
  })

  it('says so when the server is away', async () => {
    await server.stop('SIGKILL')
    const run = await command('import', file)
    assert.equal(run.code, 1)
    assert.match(run.stderr, /connecting/u)
    const missing = join(dir, 'none.csv')
    assert.equal((await command('export', missing)).code, 1)
    assert(!existsSync(missing))
    await server.restart()
    assert.match(
      summary(await command('import', file)),
      new RegExp(`^0 created, 0 updated, ${many} unchanged`, 'u'),
    )
  })
}

describeWithServers(['slapd'], 'import and export: slapd', function () {
  this.timeout(60_000 + manyTime)
  suite(() => Slapd.start())
})

describeWithServers(['samba', 'slapd'], 'import and export: Active Directory', function () {
  this.timeout(120_000 + manyTime)
  suite(async () => {
    const samba = await Samba.start()
    return Object.assign(samba, { url: `ldap://${samba.host}` })
  })
})

describe('import and export: what they want', function () {
  this.timeout(30_000)
  const dir = tempDir('import')
  before(() => {
    mkdirSync(join(dir, 'config'))
    writeFileSync(join(dir, 'config', 'smtp.ini'), '')
    writeFileSync(
      join(dir, 'config', 'directory.ini'),
      '[corp]\nurl = ldap://127.0.0.1:3268\nbase_dn = dc=x\n[file]\nurl = file:contacts.csv',
    )
  })
  const cases: [what: string, args: string[], code: number, pattern: RegExp][] = [
    ['a directory', ['import', 'x.csv'], 2, /required option .*--directory/u],
    ['one that there is', ['import', 'x.csv', '-d', 'other'], 1, /\(corp, file\), got other/u],
    ['one on a server', ['import', 'x.csv', '-d', 'file'], 1, /change the file itself/u],
    ['a domain controller', ['import', 'x.csv', '-d', 'corp'], 1, /global catalog, .*--url/u],
    ['a kind of file', ['import', 'x.xlsx', '-d', 'corp'], 1, /expected a file named \.csv/u],
    [
      'account and password',
      ['import', 'x.csv', '-d', 'corp', '--bind-dn', 'cn=a'],
      1,
      /together/u,
    ],
  ]
  for (const [what, args, code, pattern] of cases) {
    it(what, async () => {
      const run = await runCommand([...args, '-c', dir])
      assert.equal(run.code, code, run.stderr)
      assert.match(run.stderr, pattern)
    })
  }
})
