/**
 * The way from an existing install to a running mail switch, as README and docs/staging-and-switching
 * tell it, step by step in a fresh `haraka -i` install with the configuration that many have: it takes
 * everything for its domain (in_host_list) and hands it to one server (smtp_forward).
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { freePort } from '../../../plugins/stage/free-port.js'
import { findHaraka } from '../../../plugins/stage/staged-install.js'
import { dist } from '../../../scripts/build.js'
import { runCommand, type CommandRun } from '../../cli/command.js'
import { Catcher, GatewayProcess, send } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'

const host = '127.0.0.1'
const ours = ['accepted-domains', 'contacts', 'connectors'].map((part) => `address-space/${part}`)

describe('from an existing install to a running switch', function () {
  this.timeout(60_000)
  this.bail(true)

  const dir = tempDir('switch-over')
  let old: Catcher
  let exchange: Catcher
  let gateway: GatewayProcess

  const path = (name: string): string => join(dir, 'config', name)
  const write = (name: string, lines: readonly string[]): void => {
    writeFileSync(path(name), `${lines.join('\n')}\n`)
  }
  const command = (...args: string[]): Promise<CommandRun> => runCommand([...args, '--config', dir])
  const wrongIn = ({ stdout }: CommandRun): string[] =>
    stdout.split('\n').filter((line) => line.startsWith('✗'))
  const rcpt = async (to: string): Promise<string> => {
    const [reply] = (await send(gateway, { from: 'someone@elsewhere.example', to: [to] })).rcpt
    return `${reply?.code} ${reply?.enhanced}`
  }
  const plugins = (): string[] => readFileSync(path('plugins'), 'utf8').split('\n')
  /** The configuration files change; Haraka sees it within some seconds. */
  async function change(files: Record<string, readonly string[]>): Promise<void> {
    const from = gateway.logLines.length
    for (const [name, lines] of Object.entries(files)) write(name, lines)
    await gateway.waitForLog(/the configuration was read again and is in force/u, 20_000, from)
  }

  before(async () => {
    const haraka = findHaraka([__dirname])
    await promisify(execFile)(process.execPath, [join(haraka, 'bin', 'haraka'), '-i', dir])
    old = await Catcher.start({ host: '127.0.0.2' })
    exchange = await Catcher.start({ host: '127.0.0.3' })
    const port = await freePort(host)
    write('smtp.ini', [`listen=${host}:${port}`, 'graceful_shutdown=true'])
    write('host_list', ['example.com'])
    write('smtp_forward.ini', [`host=${old.host}`, `port=${old.port}`])
    // is_resolvable asks DNS about the sender
    const lines = plugins().filter((line) => !/^(rcpt_to\.|queue\/|mail_from)/u.test(line))
    write('plugins', [...lines, 'rcpt_to.in_host_list', 'queue/smtp_forward'])
    gateway = new GatewayProcess({ dir, haraka, host, port, nodes: 0 })
    gateway.onLine((line) => appendFileSync(join(dir, 'haraka.log'), `${line}\n`))
  })
  after(async () => {
    await gateway.stop()
    await old.stop()
    await exchange.stop()
  })
  afterEach(() => {
    old.reset()
    exchange.reset()
  })

  it('begins with everything going to one server', async () => {
    await gateway.start()
    assert.match(await rcpt('anna@example.com'), /^250/u)
    assert.match(await rcpt('nobody@example.com'), /^250/u)
    assert.equal((await old.waitFor(2)).length, 2)
  })

  it('init puts the configuration beside it, and changes nothing', async () => {
    mkdirSync(join(dir, 'node_modules'), { recursive: true })
    symlinkSync(dist, join(dir, 'node_modules', 'haraka-plugin-address-space'), 'dir')
    const before = readFileSync(path('plugins'), 'utf8')
    const { code, stdout } = await command('init')
    assert.equal(code, 0)
    for (const line of ours) assert.ok(stdout.includes(line))
    assert.equal(readFileSync(path('plugins'), 'utf8'), before)
  })

  const connector = (): string[] => [
    '[unix]',
    'address_spaces = example.com',
    `smart_hosts = ${old.smartHost}`,
    'allow_relay = true',
  ]
  const row = (name: string): string => `user,"cn=${name},dc=example",SMTP:${name}@example.com`
  const people = (...names: string[]): string[] => [
    'objectClass,dn,proxyAddresses',
    ...names.map(row),
  ]

  it('check asks everything, with nothing enabled yet', async () => {
    write('accepted-domains.ini', ['shared = example.com', 'postmaster = admin@example.com'])
    write('directory.ini', [
      '[corp]',
      'url = file:contacts.csv',
      `mailbox_host = ${exchange.smartHost}`,
    ])
    write('contacts.csv', people('admin', 'anna'))
    write('connectors.ini', connector())
    const run = await command('check')
    assert.deepEqual([run.code, wrongIn(run)], [0, []], run.stdout)
    assert.match(run.stdout, /enables no part of the pack yet/u)
  })

  it('explain says what will be decided', async () => {
    const { stdout } = await command('explain', 'anna@example.com', 'walter@example.com')
    assert.match(stdout, /^anna@[^]*goes to +the mailbox host of directory corp\n[^]*^walter@/mu)
    assert.match(stdout, /^walter@[^]*goes to +connector unix/mu)
  })

  it('check names the old lines that take the decisions away', async () => {
    write('plugins', [...plugins(), ...ours])
    const run = await command('check')
    assert.equal(run.code, 1)
    assert.deepEqual(wrongIn(run), [
      '✗ config/plugins: rcpt_to.in_host_list stands above address-space/accepted-domains',
      '✗ config/plugins: queue/smtp_forward stands above address-space/connectors',
    ])
  })

  it('takes each message to its system once they are gone', async () => {
    write(
      'plugins',
      plugins().filter((line) => !/^(rcpt_to\.|queue\/)/u.test(line)),
    )
    const run = await command('check')
    assert.deepEqual([run.code, wrongIn(run)], [0, []], run.stdout)
    await gateway.restart()
    assert.equal(await rcpt('anna@example.com'), '250 2.1.5')
    assert.equal(await rcpt('walter@example.com'), '250 2.1.5')
    assert.deepEqual((await exchange.waitFor(1))[0]?.to, ['anna@example.com'])
    assert.deepEqual((await old.waitFor(1))[0]?.to, ['walter@example.com'])
  })

  it('observes the domain, and check says who is missing', async () => {
    await change({
      'accepted-domains.ini': ['observe = example.com', 'postmaster = admin@example.com'],
    })
    assert.equal(await rcpt('walter@example.com'), '250 2.1.5')
    assert.equal(await rcpt('anna@example.com'), '250 2.1.5')
    assert.deepEqual((await old.waitFor(1))[0]?.to, ['walter@example.com'])
    const { stdout } = await command('check', '--log', join(dir, 'haraka.log'))
    assert.match(stdout, /^! .*not ready: .*: walter@example\.com \(1\)$/mu)
  })

  it('is ready when they are in the directory', async () => {
    write('contacts.csv', people('admin', 'anna', 'walter'))
    const { code, stdout } = await command('check', '--log', join(dir, 'haraka.log'))
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^✓ .*ready to become authoritative: .*all 1 are in the directory/mu)
  })

  it('is authoritative: unknown recipients are refused', async () => {
    write('connectors.ini', connector().slice(0, 3))
    await change({
      'accepted-domains.ini': ['authoritative = example.com', 'postmaster = admin@example.com'],
    })
    const run = await command('check')
    assert.deepEqual([run.code, wrongIn(run)], [0, []], run.stdout)
    assert.equal(await rcpt('nobody@example.com'), '550 5.1.1')
    assert.equal(await rcpt('walter@example.com'), '250 2.1.5')
    assert.deepEqual((await exchange.waitFor(1))[0]?.to, ['walter@example.com'])
  })

  it('tallies its decisions, at the latest at a graceful shutdown', async () => {
    await gateway.stop('SIGINT', 15_000)
    assert.match(gateway.log, /observe example\.com: 1 recipients, 1 addresses, would have been/u)
    assert.match(gateway.log, /decisions: .*unknown 1.*; since the start \d+/u)
  })
})
