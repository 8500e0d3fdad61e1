/** A smart host that is, by its name, this gateway itself: refused at start and at reload. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { freePort } from '../../../plugins/stage/free-port.js'
import type { Mail } from '../../harness/smtp-client.js'
import { Catcher, makeGateway, send, type GatewayProcess } from '../../harness/haraka.js'
import { connector, pack, sender, stranger } from './site.js'

const host = '127.0.0.1'
const itself = (port: number): RegExp =>
  new RegExp(String.raw`smart_hosts: \[localhost\]:${port} is this gateway itself`, 'u')

async function make(connectors: (port: number) => string, nodes = 0): Promise<GatewayProcess> {
  const port = await freePort(host)
  return makeGateway({
    host,
    port,
    nodes,
    plugins: pack,
    config: {
      'accepted-domains.ini': 'shared = example.com\npostmaster = postmaster@example.com\n',
      'directory.ini': '[corp]\nurl = file:people.csv\n',
      'people.csv': 'dn,proxyAddresses\n"CN=Somebody",SMTP:somebody@elsewhere.example\n',
      'connectors.ini': connectors(port),
    },
  })
}

describe('a smart host that is the gateway itself by its name', () => {
  for (const nodes of [0, 2]) {
    it(`stops Haraka at start, nodes=${nodes}`, async function () {
      this.timeout(30_000)
      const gateway = await make(
        (port) => connector('x', 'example.com', `[localhost]:${port}`),
        nodes,
      )
      // without nodes Haraka listens before the hook that refuses
      await gateway.start().catch(() => undefined)
      await gateway.waitForExit()
      assert.match(gateway.log, itself(gateway.port))
    })
  }

  it('does not stop it when DNS does not tell', async function () {
    this.timeout(30_000)
    const gateway = await make(() => connector('x', 'example.com', 'mx.does-not-exist.invalid'))
    await gateway.start()
    await gateway.stop()
  })
})

describe('a gateway that runs', () => {
  let unix: Catcher
  let gateway: GatewayProcess
  const mail = { from: sender, to: ['paul@example.com'], localAddress: stranger }

  before(async function () {
    this.timeout(30_000)
    unix = await Catcher.start({ host: '127.0.0.2' })
    gateway = await make(() => connector('x', 'example.com', unix.smartHost))
    await gateway.start()
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  it('takes a second secret, and keeps its configuration when a reload names itself', async function () {
    this.timeout(40_000)
    await send(gateway, mail)
    const old = unix.messages[0]?.raw ?? Buffer.of()

    const path = join(gateway.configDir, 'address-space.secret')
    await writeFile(path, `${'n'.repeat(43)}\n${await readFile(path, 'utf8')}`)
    await gateway.waitForLog(/the configuration was read again and is in force/u, 15_000)
    assert.deepEqual(await answer({ ...mail, data: old }), [550, '5.4.6'])
    assert.deepEqual(await answer(mail), [250, '2.0.0'])
    assert.notEqual(token(unix.messages[1]?.raw), token(old))

    const wrong = connector('x', 'example.com', `[localhost]:${gateway.port}`)
    await gateway.writeConfig('connectors.ini', wrong)
    await gateway.waitForLog(itself(gateway.port), 15_000)
    await gateway.waitForLog(/the last good configuration stays in force/u)
    assert.deepEqual(await answer(mail), [250, '2.0.0'])
    assert.equal(unix.messages.length, 3)
  })

  async function answer(message: Mail): Promise<unknown[]> {
    const { data } = await send(gateway, message)
    return [data?.code, data?.enhanced]
  }
})

function token(raw: Buffer = Buffer.of()): string {
  return /^X-Address-Space-Loop: \S+;\s+(\S+)/mu.exec(raw.toString())?.[1] ?? ''
}
