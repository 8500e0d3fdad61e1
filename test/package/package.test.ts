/**
 * The packed npm package in a fresh Haraka install, done as the README tells an administrator to:
 * `haraka -i`, `npm install`, `address-space init`, three lines in config/plugins. Then each line
 * but one: the other two are useful without it.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { freePort } from '../../plugins/stage/free-port.js'
import { findHaraka } from '../../plugins/stage/staged-install.js'
import { buildIfStale, dist } from '../../scripts/build.js'
import { Catcher, GatewayProcess, send } from '../harness/haraka.js'
import { tempDir } from '../harness/temp.js'

const exec = promisify(execFile)
const haraka = findHaraka([__dirname])
const host = '127.0.0.1'
const lines = {
  acceptedDomains: 'address-space/accepted-domains',
  contacts: 'address-space/contacts',
  connectors: 'address-space/connectors',
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

async function pack(into: string): Promise<Packed> {
  const { stdout } = await exec('npm', ['pack', dist, '--json', '--pack-destination', into])
  const [packed] = JSON.parse(stdout) as Packed[]
  assert.ok(packed)
  return packed
}

describe('the npm package', function () {
  this.timeout(120_000)

  const install = tempDir('package')
  const config = join(install, 'config')
  let packed: Packed
  let gateway: GatewayProcess
  let unix: Catcher
  let remote: Catcher
  let mailboxes: Catcher

  function edit(name: string, change: (text: string) => string): void {
    const path = join(config, name)
    writeFileSync(path, change(readFileSync(path, 'utf8')))
  }

  before(async () => {
    await buildIfStale()
    const folder = tempDir('pack')
    packed = await pack(folder)
    await exec(process.execPath, [join(haraka, 'bin', 'haraka'), '-i', install])
    await exec('npm', ['install', '--prefer-offline', join(folder, packed.filename)], {
      cwd: install,
    })
    await exec('npx', ['address-space', 'init'], { cwd: install })

    unix = await Catcher.start({ host: '127.0.0.2' })
    remote = await Catcher.start({ host: '127.0.0.3' })
    mailboxes = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    const port = await freePort(host)
    edit('connectors.ini', (text) =>
      text.replace('[192.0.2.10]', unix.smartHost).replace('[192.0.2.20]', remote.smartHost),
    )
    edit('directory.ini', (text) =>
      text.replace(/^mailbox_host = .*$/mu, `mailbox_host = ${mailboxes.smartHost}`),
    )
    edit('smtp.ini', (text) => `listen=${host}:${port}\nnodes=0\n${text}`)
    gateway = new GatewayProcess({ dir: install, haraka, host, port, nodes: 0 })
  })

  beforeEach(() => {
    for (const catcher of [unix, remote, mailboxes]) catcher.reset()
  })

  afterEach(() => gateway.stop())

  after(async () => {
    await Promise.all([unix, remote, mailboxes].map((catcher) => catcher.stop()))
  })

  /** Starts with these plugins, sends one message, and answers the codes of RCPT. */
  async function run(plugins: readonly string[], to: readonly string[]): Promise<number[]> {
    writeFileSync(join(config, 'plugins'), `${plugins.join('\n')}\n`)
    await gateway.start()
    const { rcpt, data } = await send(gateway, { from: 'stranger@elsewhere.example', to })
    assert.equal(data?.code, 250, data?.text)
    return rcpt.map(({ code }) => code)
  }

  it('holds the compiled plugins, their types, manuals and configuration, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)
    for (const plugin of ['accepted-domains', 'contacts', 'connectors', 'status']) {
      for (const name of ['index.js', 'index.d.ts', 'package.json', 'README.md']) {
        assert.ok(paths.includes(`${plugin}/${name}`), `${plugin}/${name}`)
      }
      const manifest: Record<string, unknown> = JSON.parse(
        readFileSync(join(dist, plugin, 'package.json'), 'utf8'),
      )
      // without it Node finds index.js here and index.ts in the sources
      assert.equal(manifest['main'], undefined)
    }
    const other = paths.filter(
      (path) =>
        !/(\.js|\.d\.ts|^sample-config\/.*|^docs\/.*\.(svg|png)|^contrib\/.*|^status\/assets\/.*|\.md)$/u.test(
          path,
        ),
    )
    assert.deepEqual(
      other.filter((path) => !path.endsWith('package.json')),
      ['LICENSE'],
    )
    const program = packed.files.find(({ path }) => path === 'cli/main.js')
    assert.equal((program?.mode ?? 0) & 0o111, 0o111)
  })

  it('says where it comes from, and has every plugin with its types for who imports it', async () => {
    const manifest = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >
    for (const key of ['author', 'homepage', 'repository', 'bugs', 'license', 'engines']) {
      assert.ok(manifest[key], key)
    }
    const name = 'haraka-plugin-address-space'
    const program = `for (const part of ['accepted-domains', 'contacts', 'connectors']) {
      if (typeof require('${name}/' + part).register !== 'function') throw new Error(part)
    }`
    await exec(process.execPath, ['-e', program], { cwd: install })
    const { exports } = manifest as { exports: Record<string, { types?: string }> }
    for (const { types } of Object.values(exports)) {
      if (types !== undefined)
        assert.ok(
          packed.files.some(({ path }) => types === `./${path}`),
          types,
        )
    }
  })

  it('checks and explains the install before anything is enabled', async () => {
    // the sample has contacts in a circle and one that leads nowhere, to show what is found
    await assert.rejects(exec('npx', ['address-space', 'check', '--offline'], { cwd: install }), {
      code: 1,
    })
    const { stdout } = await exec('npx', ['address-space', 'explain', 'nobody@example.local'], {
      cwd: install,
    })
    assert.match(stdout, /550 5\.1\.1/u)
  })

  it('stages the install before anything is enabled', async () => {
    const addresses = ['lotte@example.com', 'nobody@example.local']
    const { stdout } = await exec('npx', ['address-space', 'stage', '--once', ...addresses], {
      cwd: install,
      // Haraka is found as an administrator's shell finds it
      env: { ...process.env, PATH: `${dirname(haraka)}/.bin:${process.env['PATH'] ?? ''}` },
    })
    assert.match(stdout, /lotte@example\.com +delivered +connector remote/u)
    assert.match(stdout, /nobody@example\.local +refused 550 5\.1\.1/u)
  })

  it('delivers to a mailbox, a contact and the other system, with three lines', async () => {
    const codes = await run(Object.values(lines), [
      'anna@example.local',
      'internetuser@xo.one',
      'walter@example.com',
      'nobody@example.local',
    ])
    assert.deepEqual(codes, [250, 250, 250, 550])
    assert.deepEqual((await mailboxes.waitFor(1))[0]?.to, ['anna@example.local'])
    assert.deepEqual((await remote.waitFor(1))[0]?.to, ['internetUser@remote.domain'])
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['walter@example.com'])
  })

  it('decides and delivers without contacts', async () => {
    const codes = await run(
      [lines.acceptedDomains, lines.connectors],
      ['anna@example.local', 'walter@example.com', 'nobody@example.local'],
    )
    assert.deepEqual(codes, [250, 250, 550])
    assert.deepEqual((await mailboxes.waitFor(1))[0]?.to, ['anna@example.local'])
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['walter@example.com'])
  })

  it('decides and rewrites for another queue plugin, without connectors', async () => {
    writeFileSync(join(config, 'smtp_forward.ini'), `host=${unix.host}\nport=${unix.port}\n`)
    const codes = await run(
      [lines.acceptedDomains, lines.contacts, 'queue/smtp_forward'],
      ['anna@example.local', 'internetuser@xo.one', 'nobody@example.local'],
    )
    assert.deepEqual(codes, [250, 250, 550])
    const [message] = await unix.waitFor(1)
    assert.deepEqual(message?.to, ['anna@example.local', 'internetUser@remote.domain'])
  })

  it('watches another plugin’s mail, with the status page alone', async () => {
    const port = await freePort('127.0.0.1')
    writeFileSync(join(config, 'address-space.ini'), `[status]\nlisten = 127.0.0.1:${port}\n`)
    writeFileSync(join(config, 'host_list'), 'example.com\n')
    writeFileSync(join(config, 'smtp_forward.ini'), `host=${unix.host}\nport=${unix.port}\n`)
    const others = ['rcpt_to.in_host_list', 'queue/smtp_forward']
    assert.deepEqual(await run(['address-space/status', ...others], ['walter@example.com']), [250])
    await unix.waitFor(1)
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    assert.match(metrics, /^address_space_messages_received_total 1$/mu)
    assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /No part of the pack/u)
  })

  it('rewrites and routes what another plugin accepts, without accepted-domains', async () => {
    writeFileSync(join(config, 'host_list'), 'example.com\nxo.one\n')
    const codes = await run(
      ['rcpt_to.in_host_list', lines.contacts, lines.connectors],
      ['internetuser@xo.one', 'walter@example.com', 'victim@elsewhere.example'],
    )
    assert.deepEqual(codes, [250, 250, 550])
    assert.deepEqual((await remote.waitFor(1))[0]?.to, ['internetUser@remote.domain'])
    assert.deepEqual((await unix.waitFor(1))[0]?.to, ['walter@example.com'])
  })
})
