/**
 * What a replica owes, shown on a Samba domain controller with many objects: every address answered while
 * all servers are stopped and Haraka was restarted; changes and deletions in force in time; a half-empty
 * controller kept out; made-up recipients unseen by the controller. Then what a replica costs: time to
 * load it from disk, memory, and a decision. Root on Debian; some minutes.
 *
 *   npm run replica -- [--objects 20000] [--large 200000]
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { SmtpClient } from '../plugins/stage/smtp-client.js'
import { startGateway } from '../test/harness/haraka.js'
import type { GatewayProcess } from '../plugins/stage/gateway-process.js'
import { cost } from './replica-cost.js'
import { installServer } from './servers/debian.js'
import { Samba } from './servers/samba.js'

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '20000' },
    large: { type: 'string', default: '200000' },
    /** only the cost of a large one, in a process of its own */
    cost: { type: 'boolean', default: false },
  },
})
const objects = Number(values.objects)
const large = Number(values.large)
const connections = 4
const domain = 'example.com'

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`)
const user = (index: number): string => `user${index}@${domain}`
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

function ldif(numbers: readonly number[], base: string): string {
  return numbers
    .map((index) =>
      [
        `dn: CN=user${index},${base}`,
        'objectClass: contact',
        `proxyAddresses: SMTP:${user(index)}`,
        `proxyAddresses: smtp:alias${index}@${domain}`,
        `targetAddress: SMTP:${user(index)}`,
        '',
      ].join('\n'),
    )
    .join('\n')
}

/** The replies to RCPT, over some connections. */
async function codes(gateway: GatewayProcess, addresses: readonly string[]): Promise<number[]> {
  const found: number[] = []
  const each = async (first: number): Promise<void> => {
    for (let at = first * 100; at < addresses.length; at += connections * 100) {
      const client = await SmtpClient.connect(gateway)
      await client.ehlo()
      await client.mail('sender@client.example')
      for (const [index, address] of addresses.slice(at, at + 100).entries()) {
        found[at + index] = (await client.rcpt(address)).code
      }
      await client.quit()
    }
  }
  await Promise.all(range(0, connections).map(each))
  return found
}

async function expectAll(
  gateway: GatewayProcess,
  code: number,
  addresses: readonly string[],
  what: string,
): Promise<void> {
  const started = performance.now()
  const found = await codes(gateway, addresses)
  const wrong = addresses.filter((_, index) => found[index] !== code)
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${addresses.length} are not ${code}`)
  const seconds = (performance.now() - started) / 1000
  say(
    `${what}: ${addresses.length} addresses, every one ${code} (${Math.round(addresses.length / seconds)} a second)`,
  )
}

/** Seconds until all are answered so. */
async function secondsUntil(
  gateway: GatewayProcess,
  expected: readonly (readonly [code: number, addresses: readonly string[]])[],
): Promise<number> {
  const started = performance.now()
  for (;;) {
    let open = 0
    for (const [code, addresses] of expected) {
      const found = await codes(gateway, addresses)
      open += found.filter((one) => one !== code).length
    }
    const seconds = (performance.now() - started) / 1000
    if (open === 0) return seconds
    assert.ok(seconds < 300, `${open} addresses are not as expected after ${seconds} s`)
    await sleep(500)
  }
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

async function outage(): Promise<void> {
  await installServer('samba')
  await installServer('slapd')
  const samba = await Samba.start()
  const half = await Samba.start()
  const proxy = await proxyTo(samba.host, 389)
  const gateways: GatewayProcess[] = []
  try {
    const { baseDn } = samba
    const started = performance.now()
    await samba.add(ldif(range(0, objects), baseDn))
    await half.add(ldif(range(0, Math.floor(objects / 4)), baseDn))
    say(`${objects} objects added in ${Math.round((performance.now() - started) / 1000)} s`)

    const gateway = await start(samba, [proxy.url, `ldap://${half.host}`])
    gateways.push(gateway)
    const all = range(0, objects).map(user)
    await expectAll(gateway, 250, all, 'with the server')
    const madeUp = range(0, objects).map((index) => `made-up-${index}@${domain}`)
    await askMadeUp(gateway, proxy, madeUp)
    await change(gateway, samba)

    await samba.stop()
    say('the controller is stopped; the other one has a quarter of the objects')
    await gateway.waitForLog(/addresses are not there any more; .* it is kept out/u, 300_000)
    say('the half-empty controller was read and kept out')
    await half.stop()
    await gateway.restart()
    const known = [...changed.map(renamed), ...all.slice(250)]
    await expectAll(gateway, 250, known, 'no server, after a restart')
    await expectAll(
      gateway,
      550,
      [...all.slice(1, 250), ...madeUp.slice(0, 2000)],
      'no server, after a restart',
    )
  } finally {
    for (const gateway of gateways) await gateway.stop()
    proxy.close()
    await samba.remove()
    await half.remove()
  }
}

/** Read whole from the servers, in order. */
async function start(
  { baseDn, bindDn, password }: Samba,
  urls: readonly string[],
): Promise<GatewayProcess> {
  const started = performance.now()
  const gateway = await startGateway({
    plugins: ['address-space/accepted-domains'],
    config: {
      'accepted-domains.ini': `authoritative = ${domain}\npostmaster = ${user(0)}\n[harvesting]\nreject_after = 0\ndelay = 0\n`,
      'directory.ini': [
        '[corp]',
        `url = ${urls.join(', ')}`,
        `base_dn = ${baseDn}`,
        `bind_dn = ${bindDn}`,
        `bind_password = ${password}`,
        'mode = replica',
        'refresh = 5m',
        '',
      ].join('\n'),
    },
  })
  await gateway.waitForLog(/objects with \d+ addresses in use/u, 300_000)
  say(
    `read whole and in use ${((performance.now() - started) / 1000).toFixed(1)} s after the start`,
  )
  return gateway
}

/** The controller hears nothing of them. */
async function askMadeUp(
  gateway: GatewayProcess,
  proxy: Awaited<ReturnType<typeof proxyTo>>,
  madeUp: readonly string[],
): Promise<void> {
  const before = proxy.connections()
  const started = performance.now()
  await expectAll(gateway, 550, madeUp, 'made-up')
  const minutes = (performance.now() - started) / 60_000
  say(
    `connections to the controller meanwhile: ${proxy.connections() - before} in ${minutes.toFixed(1)} min, one reading a minute`,
  )
  assert.ok(proxy.connections() - before <= Math.ceil(minutes) + 1)
}

const changed = range(0, 200)
const deleted = range(200, 250)
const renamed = (index: number): string => `new${index}@${domain}`

/** Changes and deletions are in force in time. */
async function change(gateway: GatewayProcess, samba: Samba): Promise<void> {
  const { baseDn } = samba
  const changes = changed.map(
    (index) =>
      `dn: CN=user${index},${baseDn}\nchangetype: modify\nreplace: proxyAddresses\nproxyAddresses: SMTP:new${index}@${domain}\n\n`,
  )
  const deletions = deleted.map((index) => `dn: CN=user${index},${baseDn}\nchangetype: delete\n\n`)
  await samba.modify(changes.join(''))
  const toChanges = secondsUntil(gateway, [
    [250, changed.map(renamed)],
    // user0 is the postmaster's, and decided by itself as the others
    [550, changed.map(user)],
  ])
  await samba.modify(deletions.join(''))
  const changesTook = await toChanges
  say(`200 changes in force after ${changesTook.toFixed(1)} s`)
  assert.ok(changesTook <= 70)
  const deletionsTook = await secondsUntil(gateway, [[550, deleted.map(user)]])
  say(`50 deletions in force after ${(changesTook + deletionsTook).toFixed(1)} s`)
}

async function main(): Promise<void> {
  if (values.cost) return cost(large, say)
  if (objects > 0) await outage()
  const own = ['--expose-gc', ...process.execArgv, __filename, '--cost', '--large', String(large)]
  execFileSync(process.execPath, own, { stdio: 'inherit' })
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
