/**
 * A gateway over a replica: an outage of the directory that nobody notices, over SMTP. Made-up
 * recipients never reach the server, changes do reach the gateway, and with `nodes` one process reads
 * for all.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { Slapd } from '../../scripts/servers/slapd.js'
import { runCommand } from '../cli/command.js'
import { SmtpClient, startGateway, type GatewayProcess } from '../harness/haraka.js'
import { describeWithServers } from '../servers.js'

const people = 300
const patience = 30_000

const address = (index: number): string => `user${index}@example.com`
const all = Array.from({ length: people }, (_, index) => address(index))
const unknown = Array.from({ length: 20 }, (_, index) => `nobody${index}@example.com`)

const ldif = (base: string): string =>
  all
    .map((one, index) =>
      [`dn: cn=user${index},${base}`, 'objectClass: user', `proxyAddresses: SMTP:${one}`, ''].join(
        '\n',
      ),
    )
    .join('\n')

/** Hands connections on to slapd, and counts them. */
async function countingProxy(
  port: number,
): Promise<{ server: Server; port: number; count: () => number }> {
  let count = 0
  const server = createServer((client) => {
    count += 1
    const to = connect(port, '127.0.0.1')
    client.on('error', () => to.destroy()).on('close', () => to.destroy())
    to.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(to)
    to.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, count: () => count }
}

/** The codes of the replies to RCPT, in transactions of a hundred on a connection each. */
async function codes(gateway: GatewayProcess, addresses: readonly string[]): Promise<number[]> {
  const found: number[] = []
  for (let at = 0; at < addresses.length; at += 100) {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('sender@client.example')
    for (const one of addresses.slice(at, at + 100)) found.push((await client.rcpt(one)).code)
    await client.quit()
  }
  return found
}

async function wrongOf(
  gateway: GatewayProcess,
  code: number,
  addresses: readonly string[],
): Promise<string[]> {
  const found = await codes(gateway, addresses)
  return addresses.flatMap((one, index) => (found[index] === code ? [] : `${one}: ${found[index]}`))
}

async function until(
  gateway: GatewayProcess,
  code: number,
  addresses: readonly string[],
): Promise<void> {
  const end = performance.now() + patience
  for (;;) {
    const wrong = (await codes(gateway, addresses)).filter((one) => one !== code)
    if (wrong.length === 0) return
    assert.ok(performance.now() < end, `expected ${code} for ${addresses[0]} …, got ${wrong[0]}`)
    await sleep(200)
  }
}

for (const nodes of [0, 2]) {
  describeWithServers(
    ['slapd'],
    `a gateway over a replica${nodes > 0 ? `, nodes=${nodes}` : ''}`,
    function () {
      this.timeout(120_000)
      let slapd: Slapd
      let proxy: Awaited<ReturnType<typeof countingProxy>>
      let gateway: GatewayProcess

      before(async () => {
        slapd = await Slapd.start()
        await slapd.add(ldif(slapd.baseDn))
        proxy = await countingProxy(slapd.port)
        gateway = await startGateway({
          nodes,
          plugins: ['address-space/accepted-domains'],
          config: {
            'accepted-domains.ini': `authoritative = example.com\npostmaster = ${address(0)}\n[harvesting]\nreject_after = 0\ndelay = 0\n`,
            'directory.ini': [
              '[corp]',
              `url = ldap://127.0.0.1:${proxy.port}`,
              `base_dn = ${slapd.baseDn}`,
              `bind_dn = ${slapd.bindDn}`,
              `bind_password = ${slapd.password}`,
              'mode = replica',
              'changes = 1s',
              'refresh = 4s',
              '',
            ].join('\n'),
          },
        })
      })
      after(async () => {
        await gateway.stop()
        proxy.server.close()
        await slapd.remove()
      })

      it('knows everybody, and nobody else', async () => {
        await until(gateway, 250, all)
        await until(gateway, 550, unknown)
      })

      it('asks no server about recipients', async () => {
        const before = proxy.count()
        const started = performance.now()
        const madeUp = Array.from({ length: 1000 }, (_, index) => `made-up-${index}@example.com`)
        assert.ok((await codes(gateway, madeUp)).every((code) => code === 550))
        // one reading for changes a second, or the whole instead, however many processes there are
        const readings = (performance.now() - started) / 1000 + 2
        assert.ok(proxy.count() - before <= readings, `${proxy.count() - before} connections`)
      })

      it('takes in changes and deletions', async () => {
        const { baseDn } = slapd
        const changes = Array.from({ length: 20 }, (_, index) =>
          [
            `dn: cn=user${index},${baseDn}`,
            'changetype: modify',
            'replace: proxyAddresses',
            `proxyAddresses: SMTP:new${index}@example.com`,
            '',
            '',
          ].join('\n'),
        )
        const deletions = Array.from(
          { length: 5 },
          (_, index) => `dn: cn=user${50 + index},${baseDn}\nchangetype: delete\n\n`,
        )
        await slapd.modify([...changes, ...deletions].join(''))
        await until(
          gateway,
          250,
          Array.from({ length: 20 }, (_, index) => `new${index}@example.com`),
        )
        await until(gateway, 550, [...all.slice(1, 20), ...all.slice(50, 55)])
        await until(gateway, 250, [...all.slice(20, 50), ...all.slice(55)])
      })

      it('decides as before after a restart while the server is down, and says how old it is', async () => {
        await slapd.stop()
        await gateway.restart()
        const known = ['new0@example.com', ...all.slice(20, 50), ...all.slice(55)]
        assert.deepEqual(await wrongOf(gateway, 250, known), [])
        assert.deepEqual(await wrongOf(gateway, 550, unknown), [])

        const explained = await runCommand(['explain', '--config', gateway.dir, address(60)])
        assert.match(
          explained.stdout,
          /directory corp is less than a minute old, 295 objects from ldap/u,
        )
        const checked = await runCommand(['check', '--config', gateway.dir])
        assert.match(checked.stdout, /directory corp, replica: less than a minute old/u)
      })
    },
  )
}
