/** The status plugin in a real Haraka: what it counts, who may ask, how it starts and ends. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { idsOf } from '../../../plugins/basics/user-ids.js'
import { dist } from '../../../scripts/build.js'
import { freePort } from '../../../plugins/stage/free-port.js'
import { Catcher, sampleMessage, send } from '../../harness/haraka.js'
import {
  bearer,
  makeSite,
  metricsOf,
  pageProcessOf,
  startSite,
  until,
  viewOf,
  workersOf,
  type Site,
} from './site.js'

const shared = 'address_space_recipients_total{decision="shared",domain="example.com"}'

describe('the status plugin', function () {
  this.timeout(90_000)
  let unix: Catcher
  let site: Site | undefined

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
  })
  after(() => unix.stop())
  afterEach(async () => {
    await site?.gateway.stop()
    site = undefined
    unix.reset()
  })

  async function start(options: Parameters<typeof makeSite>[1] = {}): Promise<Site> {
    site = await makeSite(unix, options)
    await startSite(site)
    return site
  }

  async function mail(to: readonly string[], times = 1): Promise<void> {
    assert.ok(site)
    for (let sent = 0; sent < times; sent++) {
      await send(site.gateway, { from: 'a@client.example', to: [...to] })
    }
  }

  it('adds two processes up, also when one has died and another has taken its place', async () => {
    const one = await start({ nodes: 2 })
    await mail(['olga@example.com', 'nobody@example.local', 'x@foreign.example'], 12)
    const before = await until(
      () => metricsOf(one),
      (metrics) => metrics.get(shared) === 12,
    )
    assert.equal(
      before.get('address_space_recipients_total{decision="unknown",domain="example.local"}'),
      12,
    )
    assert.equal(
      before.get('address_space_recipients_total{decision="relaying-denied",domain="other"}'),
      12,
    )
    assert.equal(before.get('address_space_messages_received_total'), 12)
    assert.equal(before.get('address_space_processes_answering'), 2)
    assert.equal(before.get('address_space_directory_entries{directory="corp"}'), 1)

    const [victim = 0, ...others] = workersOf(one)
    assert.equal(others.length, 1)
    process.kill(victim, 'SIGKILL')
    await until(
      () => Promise.resolve(workersOf(one)),
      (workers) => workers.length === 2 && !workers.includes(victim),
    )
    const after = await until(
      () => metricsOf(one),
      (metrics) => metrics.get('address_space_processes_answering') === 2,
    )
    assert.equal(after.get(shared), 12)
    await one.gateway.waitForLog(/worker 3 listening on/u)
    await mail(['olga@example.com'], 8)
    await until(
      () => metricsOf(one),
      (metrics) => metrics.get(shared) === 20,
    )
  })

  it('is read from here, from elsewhere with the token only, and by no page of a stranger', async () => {
    const { url } = await start()
    const statusOf = async (headers: Record<string, string>, path = '/metrics') =>
      (await fetch(url + path, { headers })).status
    assert.equal(await statusOf({}), 200)
    assert.equal(await statusOf({ 'X-Forwarded-For': '192.0.2.1' }), 401)
    assert.equal(await statusOf({ 'X-Forwarded-For': '192.0.2.1', ...bearer }), 200)
    assert.equal(await statusOf({}, '/explain?address=anna@example.local'), 200)
  })

  it('explains an address as the command does', async () => {
    const { url, gateway } = await start()
    const command = await addressSpace(gateway.dir, 'explain', 'olga@example.com')
    const page = await (await fetch(`${url}/explain?address=olga@example.com`)).text()
    const text = page.replace(/<[^>]*>/gu, ' ').replace(/\s+/gu, ' ')
    const reply = /reply\s+(\d+ \S+) /u.exec(command)?.[1] ?? 'no reply'
    assert.ok(text.includes(reply), `${reply}\nis not in\n${text}`)
    assert.ok(text.includes('connector:unix'))
  })

  it('tells the story of a message that another gateway had, and says who did not answer', async () => {
    const other = await makeSite(unix)
    const silent = `http://127.0.0.1:${await freePort('127.0.0.1')}`
    try {
      await startSite(other)
      const { url } = await start({
        section: `token_file = status.token\npeers = ${other.url}, ${silent}`,
      })
      const from = 'a@client.example'
      const to = ['olga@example.com']
      await send(other.gateway, { from, to, data: sampleMessage({ from, to }) })
      const [message] = await unix.waitFor(1)
      const id = /^Message-ID: <([^>]*)>/imu.exec(message?.raw.toString() ?? '')?.[1] ?? ''
      const page = await (await fetch(`${url}/trace?what=${encodeURIComponent(id)}`)).text()
      const text = page.replace(/<[^>]*>/gu, '')
      assert.match(text, /received[^]*delivered[^]*127\.0\.0\.2/u)
      assert.ok(text.includes(`[${other.url}]`), text)
      assert.ok(text.includes(`${silent} did not answer`), text)
      const elsewhere = { 'X-Forwarded-For': '192.0.2.1' }
      assert.equal(
        (await fetch(`${other.url}/trace.json?what=x`, { headers: elsewhere })).status,
        401,
      )
    } finally {
      await other.gateway.stop()
    }
  })

  it('says not ready while it is drained, takes mail all the same, and keeps it over a restart', async () => {
    const { url, gateway } = await start()
    const ready = async () => (await fetch(`${url}/healthz/ready`)).status
    assert.equal(await ready(), 200)
    assert.match(await addressSpace(gateway.dir, 'drain'), /^Drained/u)
    await until(ready, (status) => status === 503)
    assert.equal((await fetch(`${url}/healthz/live`)).status, 200)
    await mail(['olga@example.com'])
    await unix.waitFor(1)

    await gateway.stop()
    await startSite({ gateway })
    await until(ready, (status) => status === 503)
    assert.match(await addressSpace(gateway.dir, 'undrain'), /takes new mail again/u)
    await until(ready, (status) => status === 200)
    assert.match(await addressSpace(gateway.dir, 'undrain'), /was not drained/u)
  })

  it('lets the mail go on when its port is taken', async () => {
    const one = await makeSite(unix)
    site = one
    const other = createServer().listen(one.port, '127.0.0.1')
    await one.gateway.start()
    await one.gateway.waitForLog(
      /cannot listen on 127\.0\.0\.1:\d+: another program listens there/u,
    )
    await mail(['olga@example.com'])
    await unix.waitFor(1)
    other.close()
    await one.gateway.waitForLog(/the status page listens on/u, 30_000)
    assert.equal((await viewOf(one)).processes.answering, 1)
  })

  it('ends with Haraka', async () => {
    const { gateway, url } = await start({ nodes: 2 })
    await gateway.stop()
    await assert.rejects(fetch(`${url}/metrics`))
  })

  it('ends with a Haraka that is killed, and leaves its port to the next', async () => {
    const one = await start()
    const page = pageProcessOf(one)
    process.kill(one.gateway.pid ?? 0, 'SIGKILL')
    await until(
      () => Promise.resolve(existsSync(`/proc/${page}`)),
      (exists) => !exists,
    )
    await one.gateway.kill()
    await startSite(one)
    assert.equal((await viewOf(one)).processes.answering, 1)
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`leaves it to Haraka when to end: ${signal} to the page's process alone`, async () => {
      const one = await start()
      process.kill(pageProcessOf(one), signal)
      assert.equal((await viewOf(one)).processes.answering, 1)
    })
  }

  it('lets the mail go on when the process of its page is killed, and comes back', async () => {
    const one = await start()
    const from = one.gateway.logLines.length
    process.kill(pageProcessOf(one), 'SIGKILL')
    await one.gateway.waitForLog(/the status page's process ended: it got SIGKILL; mail goes on/u)
    await mail(['olga@example.com'])
    await unix.waitFor(1)
    await one.gateway.waitForLog(/the status page listens on/u, 30_000, from)
    assert.equal((await viewOf(one)).processes.answering, 1)
  })

  for (const nodes of [0, 1]) {
    it(`parses nothing as root where Haraka changes to a user, nodes = ${nodes}`, async () => {
      const { uid, gid } = idsOf('nobody')
      const one = await makeSite(unix, { nodes, section: '' })
      site = one
      const smtpIni = join(one.gateway.configDir, 'smtp.ini')
      appendFileSync(smtpIni, '\nuser = nobody\ngroup = nogroup\n')
      chmodSync(one.gateway.dir, 0o755)
      for (const path of readdirSync(one.gateway.dir))
        chownSync(join(one.gateway.dir, path), uid, gid)
      await startSite(one)
      await until(
        () => Promise.resolve(ownersOf(pageProcessOf(one))),
        (owners) => owners.every((owner) => owner === `${uid} ${gid}`),
      )
      assert.equal((await viewOf(one)).processes.answering, 1)
    })
  }

  const refusals: [string, string, RegExp][] = [
    [
      'others can reach it without a token',
      'listen = 0.0.0.0:19904\n',
      /\[status\] token_file: expected a token, since others than this machine can reach 0\.0\.0\.0:19904/u,
    ],
    [
      'the token is missing',
      'listen = 127.0.0.1:19904\ntoken_file = no.token\n',
      /\[status\] token_file: .*no\.token: expected a secret in this file/u,
    ],
    [
      'everybody can read the token',
      'listen = 127.0.0.1:19904\ntoken_file = open.token\n',
      /\[status\] token_file: .*open\.token: expected a file for its owner alone/u,
    ],
  ]
  for (const [title, section, words] of refusals) {
    it(`does not start when ${title}`, async () => {
      const files = { 'address-space.ini': `[status]\n${section}`, 'open.token': 'x'.repeat(32) }
      const one = await makeSite(unix, { config: files })
      await assert.rejects(one.gateway.start())
      assert.match(one.gateway.log, words)
    })
  }
})

/** The user and group of each of its threads. */
function ownersOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((id) => {
    const status = readFileSync(`/proc/${pid}/task/${id}/status`, 'utf8')
    const effective = (name: string): string =>
      new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, 'mu').exec(status)?.[1] ?? '?'
    return `${effective('Uid')} ${effective('Gid')}`
  })
}

async function addressSpace(dir: string, ...args: readonly string[]): Promise<string> {
  const main = join(dist, 'cli', 'main.js')
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args, '--config', dir])
  return stdout
}
