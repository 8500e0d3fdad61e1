/**
 * A Samba domain controller with many objects, a second one with a quarter of them, and a gateway with a
 * replica: what it answers while they run, change, and are stopped.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

import type { GatewayProcess } from '../../plugins/stage/gateway-process.js'
import { startGateway } from '../../test/harness/haraka.js'
import { installServer } from '../servers/debian.js'
import { Samba } from '../servers/samba.js'
import { expectAll, secondsUntil } from './answers.js'
import { domain, ldif, range, say, user } from './people.js'

/** A domain controller as the gateway reaches it; connections are counted. */
type Proxy = Awaited<ReturnType<typeof proxyTo>>

interface Scene {
  readonly objects: number
  readonly samba: Samba
  readonly half: Samba
  readonly proxy: Proxy
  readonly gateway: GatewayProcess
}

/** Rejects when an answer is not what it has to be. */
export async function outage(objects: number): Promise<void> {
  await installServer('samba')
  await installServer('slapd')
  const samba = await Samba.start()
  const half = await Samba.start()
  const proxy = await proxyTo(samba.host, 389)
  let gateway: GatewayProcess | undefined
  try {
    const started = performance.now()
    await samba.add(ldif(range(0, objects), samba.baseDn))
    await half.add(ldif(range(0, Math.floor(objects / 4)), samba.baseDn))
    say(`${objects} objects added in ${Math.round((performance.now() - started) / 1000)} s`)
    gateway = await open(samba, half, proxy)
    const scene = { objects, samba, half, proxy, gateway }
    const madeUp = await floods(scene)
    await changes(scene)
    await without(scene, madeUp)
  } finally {
    await gateway?.stop()
    proxy.close()
    await samba.remove()
    await half.remove()
  }
}

async function open(samba: Samba, half: Samba, proxy: Proxy): Promise<GatewayProcess> {
  const started = performance.now()
  const gateway = await startGateway({
    plugins: ['address-space/accepted-domains'],
    config: {
      'accepted-domains.ini': `authoritative = ${domain}\npostmaster = ${user(0)}\n[harvesting]\nreject_after = 0\ndelay = 0\n`,
      'directory.ini': [
        '[corp]',
        `url = ${proxy.url}, ldap://${half.host}`,
        `base_dn = ${samba.baseDn}`,
        `bind_dn = ${samba.bindDn}`,
        `bind_password = ${samba.password}`,
        'mode = replica',
        'refresh = 5m',
        '',
      ].join('\n'),
    },
  })
  try {
    await gateway.waitForLog(/objects with \d+ addresses in use/u, 300_000)
  } catch (error) {
    await gateway.stop()
    throw error
  }
  const seconds = (performance.now() - started) / 1000
  say(`read whole and in use ${seconds.toFixed(1)} s after the start`)
  return gateway
}

/** Everybody, then as many made-up recipients, whom the controller does not hear of. */
async function floods({ objects, proxy, gateway }: Scene): Promise<string[]> {
  await expectAll(gateway, 250, range(0, objects).map(user), 'with the server')
  const before = proxy.connections()
  const started = performance.now()
  const madeUp = range(0, objects).map((index) => `made-up-${index}@${domain}`)
  await expectAll(gateway, 550, madeUp, 'made-up')
  const minutes = (performance.now() - started) / 60_000
  const count = proxy.connections() - before
  say(
    `connections to the controller meanwhile: ${count} in ${minutes.toFixed(1)} min, one reading a minute`,
  )
  assert.ok(count <= Math.ceil(minutes) + 1)
  return madeUp
}

async function changes({ samba, gateway }: Scene): Promise<void> {
  const changed = range(0, 200)
  const deleted = range(200, 250)
  const dn = (index: number): string => `dn: CN=user${index},${samba.baseDn}`
  const change = (index: number): string =>
    `${dn(index)}\nchangetype: modify\nreplace: proxyAddresses\nproxyAddresses: SMTP:new${index}@${domain}\n\n`
  await samba.modify(changed.map(change).join(''))
  const toChanges = secondsUntil(gateway, [
    [250, changed.map((index) => `new${index}@${domain}`)],
    // user0 is the postmaster's, and decided by itself as the others
    [550, changed.map(user)],
  ])
  await samba.modify(deleted.map((index) => `${dn(index)}\nchangetype: delete\n\n`).join(''))
  const changesTook = await toChanges
  say(`200 changes in force after ${changesTook.toFixed(1)} s`)
  assert.ok(changesTook <= 70)
  const deletionsTook = await secondsUntil(gateway, [[550, deleted.map(user)]])
  say(`50 deletions in force after ${(changesTook + deletionsTook).toFixed(1)} s`)
}

/** The controller is stopped, then the half-empty one too, and Haraka is restarted. */
async function without(
  { objects, samba, half, gateway }: Scene,
  madeUp: readonly string[],
): Promise<void> {
  await samba.stop()
  say('the controller is stopped; the other one has a quarter of the objects')
  await gateway.waitForLog(/addresses are not there any more; .* it is kept out/u, 300_000)
  say('the half-empty controller was read and kept out')
  await half.stop()
  await gateway.restart()
  const all = range(0, objects).map(user)
  const renamed = range(0, 200).map((index) => `new${index}@${domain}`)
  const what = 'no server, after a restart'
  await expectAll(gateway, 250, [...renamed, ...all.slice(250)], what)
  await expectAll(gateway, 550, [...all.slice(1, 250), ...madeUp.slice(0, 2000)], what)
}

async function proxyTo(host: string, port: number) {
  let count = 0
  const server = createServer((client) => {
    count += 1
    const to = connect(port, host)
    client.on('error', () => to.destroy()).on('close', () => to.destroy())
    to.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(to).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  return { url: `ldap://127.0.0.1:${own}`, connections: () => count, close: () => server.close() }
}
