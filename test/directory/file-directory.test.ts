import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { ConfigError } from '../../plugins/config/settings.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { temporaryFolder } from '../../scripts/servers/process.js'
import { testEnvironment } from './environment.js'

const csv = (...locals: readonly string[]): string =>
  ['dn,mail', ...locals.map((local) => `cn=${local},${local}@x`), ''].join('\n')

const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `user${n}`)

describe('file directory', () => {
  const folder = temporaryFolder('file-directory')
  const file = join(folder, 'a.csv')
  const env = testEnvironment(folder)
  let directories: DirectorySet | undefined

  afterEach(async () => {
    await directories?.close()
    env.log.lines.length = 0
  })

  const openFile = async (...more: string[]): Promise<void> => {
    const config = parseDirectoryConfig(['[a]', 'url = file:a.csv', ...more])
    directories = openDirectories(config, env, { pollInterval: 20, settleTime: 150 })
    await directories.ready()
  }
  const find = async (local: string): Promise<string> =>
    (await directories?.find(mailAddress(local, 'x')))?.kind ?? ''
  const write = (text: string | Buffer): void => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    const end = Date.now() + 5000
    while (!(await condition())) {
      assert(Date.now() < end, `nothing happened; log:\n${env.log.lines.join('\n')}`)
      await sleep(10)
    }
  }
  const logged = (pattern: RegExp): boolean => env.log.lines.some((line) => pattern.test(line))

  it('tells which rows it cannot read, and loads the others', async () => {
    write('dn,mail\ncn=a,a@x\ncn=b\ncn=c,nonsense\ncn=d,d@x\n')
    await openFile()
    assert.deepEqual(
      [await find('a'), await find('d'), await find('b'), await find('x')],
      ['found', 'found', 'failed', 'failed'],
    )
    assert(logged(/^error directory \[a\]: .*a\.csv line 3: expected 2 fields/u))
    assert(
      logged(/^error directory \[a\]: .*a\.csv line 4: mail: expected an address, got `nonsense`/u),
    )
    assert(logged(/^notice directory \[a\]: .*2 entries with 2 addresses in use/u))
  })

  it('a file that changed before a restart: who is new in it is never unknown', async () => {
    const stateDir = temporaryFolder('file-state')
    const open = (): void => {
      const config = parseDirectoryConfig(['[a]', 'url = file:a.csv'])
      directories = openDirectories(config, env, { pollInterval: 20, settleTime: 500, stateDir })
    }
    write(csv('a', 'b'))
    open()
    await directories?.ready()
    await directories?.close()
    write(csv('a', 'b', 'new'))
    open()
    await until(() => logged(/as they were before the restart/u))
    assert.deepEqual(await Promise.all(['a', 'new', 'nobody'].map(find)), [
      'found',
      'found',
      'none',
    ])
  })

  it('takes over a changed file', async () => {
    write(csv('a', 'b'))
    await openFile()
    write(csv('a', 'c'))
    await until(async () => (await find('c')) === 'found')
    assert.equal(await find('b'), 'none')
  })

  it('cannot find out before the file can be read, and then can', async () => {
    rmSync(file, { force: true })
    await openFile()
    assert.equal(await find('a'), 'failed')
    assert(logged(/^crit directory \[a\]: .* is not in use: ENOENT/u))
    write(csv('a'))
    await until(async () => (await find('a')) === 'found')
  })

  for (const [what, content] of [
    ['is empty', ''],
    ['is no CSVDE file', 'nonsense\n'],
    ['has no end of line', Buffer.alloc(5 * 1024 * 1024, 'x')],
  ] as const) {
    it(`keeps what it has when the new version ${what}`, async () => {
      write(csv('a'))
      await openFile()
      write(content)
      await until(() => logged(/^crit .* is not in use: .*; the version before stays in use/u))
      assert.equal(await find('a'), 'found')
    })
  }

  it('keeps what it has when the file is gone', async () => {
    write(csv('a'))
    await openFile()
    rmSync(file)
    await until(() => logged(/^crit .* ENOENT/u))
    assert.equal(await find('a'), 'found')
  })

  it('is content when the file that it uses is back', async () => {
    write(csv('a'))
    await openFile()
    renameSync(file, `${file}.away`)
    await until(() => logged(/^crit .* ENOENT/u))
    renameSync(`${file}.away`, file)
    await sleep(100)
    rmSync(file)
    await until(() => env.log.lines.filter((line) => line.startsWith('crit')).length === 2)
    assert.equal(await find('a'), 'found')
  })

  it('refuses a version that lost more than half of the addresses', async () => {
    write(csv(...many(10)))
    await openFile()
    write(csv(...many(4), 'new'))
    await until(() => logged(/^crit .*6 of 10 addresses are not in the new version/u))
    assert.deepEqual([await find('user9'), await find('new')], ['found', 'none'])
    assert.equal(env.log.lines.filter((line) => line.startsWith('crit')).length, 1)
    write(csv(...many(5), 'new'))
    await until(async () => (await find('new')) === 'found')
  })

  it('takes such a version with allow_shrink', async () => {
    write(csv(...many(10)))
    await openFile('allow_shrink = true')
    write(csv('user0'))
    await until(async () => (await find('user9')) === 'none')
    assert.equal(await find('user0'), 'found')
  })

  it('waits for a file that is being written', async () => {
    write(csv(...many(10)))
    await openFile()
    const text = csv(...many(10), 'late')
    for (let end = 20; end < text.length + 20; end += 20) {
      writeFileSync(file, text.slice(0, end))
      await sleep(10)
      assert.equal(await find('user9'), 'found')
    }
    await until(async () => (await find('late')) === 'found')
    assert(!logged(/^crit/u))
  })
})

describe('directory set', () => {
  const folder = temporaryFolder('directory-set')
  const env = testEnvironment(folder)
  const open = async (...lines: string[]): Promise<DirectorySet> => {
    const directories = openDirectories(parseDirectoryConfig(lines), env)
    await directories.ready()
    return directories
  }
  const a = ['[a]', 'url = file:a.csv', 'mailbox_host = [192.0.2.1]']
  const b = ['[b]', 'url = file:b.csv']
  const missing = ['[missing]', 'url = file:missing.csv']

  before(() => {
    writeFileSync(join(folder, 'a.csv'), csv('a', 'both'))
    writeFileSync(join(folder, 'b.csv'), csv('b', 'both'))
  })

  const answers: readonly (readonly [string, string[], string, string])[] = [
    ['the first that knows', [...a, ...b], 'both', 'found a'],
    ['the next', [...a, ...b], 'b', 'found b'],
    ['none', [...a, ...b], 'c', 'none'],
    ['one before it that knew', [...a, ...missing], 'a', 'found a'],
    ['cannot find out', [...a, ...missing], 'c', 'failed missing'],
    ['cannot find out first', [...missing, ...a], 'a', 'failed missing'],
  ]
  for (const [what, lines, local, expected] of answers) {
    it(`answers: ${what}`, async () => {
      const directories = await open(...lines)
      const lookup = await directories.find(mailAddress(local, 'x'))
      const directory = lookup.kind === 'none' ? '' : ` ${lookup.directory}`
      assert.equal(lookup.kind + directory, expected)
      await directories.close()
    })
  }

  it('refuses a secret that others can read, at the start and at a reload', async () => {
    writeFileSync(join(folder, 'secret'), 'x', { mode: 0o644 })
    const ldap = ['[a]', 'url = ldap://x', 'base_dn = y', 'bind_dn = z', 'tls_ca_file = none.pem']
    const wrong = parseDirectoryConfig([...ldap, 'bind_password_file = secret'])
    const expected = (error: unknown): boolean =>
      error instanceof ConfigError &&
      /^directory\.ini \[a\] bind_password_file: .*mode 600/u.test(error.errors[0] ?? '') &&
      error.errors[1]?.startsWith('directory.ini [a] tls_ca_file: ENOENT') === true
    assert.throws(() => openDirectories(wrong, env), expected)
    const directories = await open(...a)
    assert.throws(() => directories.reload(wrong), expected)
    assert.equal((await directories.find(mailAddress('a', 'x'))).kind, 'found')
    await directories.close()
  })

  it('loads a file when it is first asked for, if it is told to', async () => {
    const logged = (): number => env.log.lines.filter((line) => line.includes('a.csv')).length
    const before = logged()
    const directories = openDirectories(parseDirectoryConfig(a), env, { lazy: true })
    await sleep(50)
    assert.equal(logged(), before)
    assert.equal((await directories.find(mailAddress('a', 'x'))).kind, 'found')
    await directories.close()
  })

  it('knows the mailbox hosts', async () => {
    const directories = await open(...a, ...b)
    assert.deepEqual(directories.names, ['a', 'b'])
    assert.deepEqual(directories.mailboxHost('a'), {
      kind: 'host',
      protocol: 'smtp',
      host: '192.0.2.1',
      port: 25,
    })
    assert.equal(directories.mailboxHost('b'), undefined)
    assert.equal(directories.mailboxHost('other'), undefined)
    await directories.close()
  })

  it('takes over a new configuration; what is unchanged goes on', async () => {
    const directories = await open(...a)
    const loads = (): number =>
      env.log.lines.filter((line) => /a\.csv: .* in use/u.test(line)).length
    const before = loads()
    directories.reload(parseDirectoryConfig([...b, '[a]', 'url = file:a.csv']))
    await directories.ready()
    assert.deepEqual(directories.names, ['b', 'a'])
    assert.equal(directories.mailboxHost('a'), undefined)
    const lookup = await directories.find(mailAddress('both', 'x'))
    assert(lookup.kind === 'found')
    assert.equal(lookup.directory, 'b')
    assert.equal(loads(), before)
    assert.deepEqual(directories.stats().get('b'), { hits: 1, misses: 0, stale: 0, errors: 0 })
    await directories.close()
  })
})
