/**
 * A resolver that is slow and fails: what it said last is good for a while, and asked again in the
 * background. No message waits for it.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { startDeliveryGateway } from './faults.js'
import { addresses, OtherMail, untilDelivered } from './other-mail.js'

describe('a resolver that is slow and fails', function () {
  this.timeout(60_000)

  let host: FaultServer
  let literal: FaultServer
  let gateway: GatewayProcess
  const fault = join(tempDir('dns'), 'fault')

  before(async () => {
    host = await FaultServer.start({ host: '127.0.0.2' })
    literal = await FaultServer.start({ host: '127.0.0.3' })
    gateway = await startDeliveryGateway({
      preload: ['slow-dns.cjs'],
      env: { TEST_DNS_FAULT: fault },
      ways: {
        named: { domains: ['named.example'], smartHosts: `unix.example:${host.port}` },
        literal: { domains: ['literal.example'], smartHosts: literal.smartHost },
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([host, literal].map((server) => server?.stop()))
  })

  it('the last answer is used, and no client waits for the next', async () => {
    const from = 'a@sender.example'
    await send(gateway, { from, to: ['known@named.example'] })
    await untilDelivered(host, ['known@named.example'])
    writeFileSync(fault, '')
    const others = new OtherMail(gateway, literal, 'literal.example')
    const users = addresses('user', 4, 'named.example')
    for (const to of users) {
      const began = performance.now()
      const { data } = await send(gateway, { from, to: [to] })
      const took = performance.now() - began
      assert.match(data?.text ?? '', /^250 2\.0\.0 taken/u)
      assert.ok(took < 3000, `${Math.round(took)} ms`)
    }
    await untilDelivered(host, users)
    await others.finish()
  })
})
