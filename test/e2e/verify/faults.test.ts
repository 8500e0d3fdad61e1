/** Hosts that are hard to ask about recipients, over SMTP with real Haraka. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '../../cli/command.js'
import { FaultServer, type Script } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { askGateway, codesOf, connectorsIni, startVerifyingGateway } from './gateway.js'

const knows = (refusal: string, ...names: string[]): Script => ({
  rcpt: (address) => (names.includes(address.split('@', 1)[0] ?? '') ? undefined : refusal),
})
const unknown = '550 5.1.1 no'

describe('verify_recipients: faults seen in use', function () {
  this.timeout(60_000)
  const hosts = new Map<string, FaultServer>()
  let gateway: GatewayProcess
  let smartHosts: Record<string, string>

  const scripts: Record<string, Pick<FaultServer['options'], 'script' | 'limits'>> = {
    cloud: {
      script: knows(
        '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [X.prod.protection.outlook.com]',
        'postmaster',
        'anna',
      ),
    },
    closed: { script: { rcpt: () => '550 relay not permitted' } },
    tarpit: { script: knows(unknown, 'postmaster', 'anna'), limits: { tarpit: 6000 } },
    strict: { script: knows(unknown, 'postmaster', 'anna'), limits: { errors: 20 } },
    moving: { script: knows(unknown, 'postmaster', 'anna') },
    later: { script: knows(unknown, 'postmaster', 'bob') },
    nopost: { script: knows(unknown, 'anna') },
    open: {},
  }

  before(async () => {
    for (const [name, options] of Object.entries(scripts)) {
      hosts.set(name, await FaultServer.start({ ...options, host: '127.0.0.2' }))
    }
    smartHosts = Object.fromEntries(
      [...hosts].filter(([name]) => name !== 'later').map(([name, host]) => [name, host.smartHost]),
    )
    gateway = await startVerifyingGateway(smartHosts)
  })
  after(async () => {
    await gateway.stop()
    for (const host of hosts.values()) await host.stop()
  })

  const hostOf = (name: string): FaultServer => {
    const host = hosts.get(name)
    assert.ok(host)
    return host
  }

  it('20: Exchange Online says `5.4.1 Access denied` of an unknown recipient: 550 5.1.1', async () => {
    const codes = await codesOf(gateway, ['anna@cloud.example', 'nobody@cloud.example'])
    assert.deepEqual(codes, ['250 2.1.5', '550 5.1.1'])
    await gateway.waitForLog(/connector cloud: \S+ tells addresses apart \(cloud\.example\)/u)
  })

  it('21: a host that refuses to relay for everybody: accepted, and told as a fault of the setup', async () => {
    assert.deepEqual(await codesOf(gateway, ['anna@closed.example']), ['250 2.1.5'])
    await gateway.waitForLog(
      /connector closed: \S+ refuses every address, postmaster too \(closed\.example\): 550 relay not permitted; its recipients are accepted unasked/u,
    )
    const asked = hostOf('closed').memory.asked.size
    assert.deepEqual(await codesOf(gateway, ['bob@closed.example']), ['250 2.1.5'])
    assert.equal(hostOf('closed').memory.asked.size, asked, 'not asked for an hour')
    const mail = { from: 'a@client.example', to: ['bob@closed.example'] }
    assert.equal((await send(gateway, mail)).data?.code, 550, 'at delivery the host says it itself')
    await gateway.waitForLog(
      /delivery to connector:closed: \S+ refuses this gateway, not the recipient: 550 relay not permitted; what to do: /u,
    )
    const { code, stdout } = await runCommand(['probe', 'closed', '--config', gateway.dir])
    assert.equal(code, 1)
    assert.match(stdout, /refuses everybody[^]*about this gateway[^]*accept mail for the domain/u)
    const check = await runCommand(['check', '--config', gateway.dir])
    assert.match(check.stdout, /refuses every address[^]*550 relay not permitted/u)
  })

  it('22: a tarpit: who is unknown is accepted once and then refused, who exists never waits', async () => {
    const first = askGateway(gateway, ['nobody@tarpit.example'])
    const [anna] = await askGateway(gateway, ['anna@tarpit.example'])
    assert.equal(anna?.reply.code, 250)
    assert.ok(anna.took < 3000, `anna waited ${anna.took} ms`)
    const [nobody] = await first
    assert.equal(nobody?.reply.code, 250)
    assert.ok(nobody.took < 5900, `nobody waited ${nobody.took} ms`)
    await gateway.waitForLog(/connector tarpit: .* takes \d+(\.\d)? s to refuse one \(a tarpit\)/u)
    const [again] = await askGateway(gateway, ['nobody@tarpit.example'])
    assert.equal(`${again?.reply.code} ${again?.reply.enhanced}`, '550 5.1.1')
    assert.ok(again && again.took < 3000, `it took ${again?.took} ms`)
  })

  it('23: seventy unknown ones at a host that closes after 20 errors: all refused', async () => {
    const batches = Array.from({ length: 14 }, (_, batch) =>
      Array.from({ length: 5 }, (_unused, at) => `x${batch}-${at}@strict.example`),
    )
    const codes = await Promise.all(batches.map((batch) => codesOf(gateway, batch)))
    assert.deepEqual(new Set(codes.flat()), new Set(['550 5.1.1']))
    assert.equal(hostOf('strict').memory.tooManyErrors, 0)
    const { data } = await send(gateway, { from: 'a@client.example', to: ['anna@strict.example'] })
    assert.equal(data?.code, 250)
  })

  it('24: other hosts for the connector: what the old ones answered is forgotten', async () => {
    const both = ['anna@moving.example', 'bob@moving.example']
    assert.deepEqual(await codesOf(gateway, both), ['250 2.1.5', '550 5.1.1'])
    const from = gateway.logLines.length
    const moved = { ...smartHosts, moving: hostOf('later').smartHost }
    writeFileSync(join(gateway.configDir, 'connectors.ini'), connectorsIni(moved))
    await gateway.waitForLog(/connectors\.ini/u, 20_000, from)
    assert.deepEqual(await codesOf(gateway, both), ['550 5.1.1', '250 2.1.5'])
  })

  it('a host without postmaster is believed once mail to somebody there has arrived', async () => {
    assert.deepEqual(await codesOf(gateway, ['nobody@nopost.example']), ['250 2.1.5'])
    await gateway.waitForLog(/connector nopost: \S+ refuses every address, postmaster too/u)
    const { data } = await send(gateway, { from: 'a@client.example', to: ['anna@nopost.example'] })
    assert.equal(data?.code, 250)
    assert.deepEqual(await codesOf(gateway, ['nobody2@nopost.example']), ['550 5.1.1'])
  })

  it('a host that takes everybody: accepted, and a line in the log', async () => {
    assert.deepEqual(await codesOf(gateway, ['nobody@open.example']), ['250 2.1.5'])
    await gateway.waitForLog(/connector open: \S+ takes every address.* accepted unasked/u)
    const asked = hostOf('open').memory.asked.size
    assert.deepEqual(await codesOf(gateway, ['nobody2@open.example']), ['250 2.1.5'])
    assert.equal(hostOf('open').memory.asked.size, asked)
  })
})
