/**
 * Full is not failing: a host that takes no more sessions is asked for no more than it takes, and all
 * its mail goes over those. The bound is the host's and the gateway's: not a login's, an XCLIENT
 * identity's or a process's.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { FaultServer, type FaultServerOptions } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { startDeliveryGateway, type Way } from './faults.js'
import { addresses, delivered, OtherMail, untilDelivered } from './other-mail.js'

const extensions = ['PIPELINING', '8BITMIME', 'SIZE 100000000', 'XCLIENT NAME ADDR PROTO HELO']
const slowDot = 100

const hosts: Record<string, FaultServerOptions & { readonly settings?: readonly string[] }> = {
  greets: { limits: { sessions: 5, slowDot } },
  closes: { limits: { sessions: 5, slowDot, whenFull: 'close' } },
  xclient: { limits: { slowDot }, extensions, settings: ['xclient = true'] },
  bounded: { limits: { slowDot }, settings: ['max_sessions = 4'] },
  well: {},
}

async function startHosts(): Promise<Map<string, FaultServer>> {
  const started = new Map<string, FaultServer>()
  for (const [name, options] of Object.entries(hosts)) {
    started.set(name, await FaultServer.start({ ...options, host: '127.0.0.2' }))
  }
  return started
}

function waysTo(started: ReadonlyMap<string, FaultServer>): Record<string, Way> {
  return Object.fromEntries(
    [...started].map(([name, { smartHost }]) => {
      const settings = ['tls = none', ...(hosts[name]?.settings ?? [])]
      return [name, { domains: [`${name}.example`], smartHosts: smartHost, settings }]
    }),
  )
}

for (const nodes of [0, 2]) {
  describe(`a host that is full, ${nodes === 0 ? 'one process' : 'two processes'}`, function () {
    this.timeout(90_000)

    let started: Map<string, FaultServer>
    let gateway: GatewayProcess

    before(async () => {
      started = await startHosts()
      gateway = await startDeliveryGateway({ nodes, ways: waysTo(started) })
    })

    after(async () => {
      await gateway?.stop()
      await Promise.all([...(started?.values() ?? [])].map((server) => server.stop()))
    })

    const hostOf = (name: string): FaultServer => {
      const host = started.get(name)
      assert.ok(host)
      return host
    }

    /** 40 clients, two messages each; all are delivered, once, and others' mail meanwhile. */
    async function crowd(name: string): Promise<FaultServer> {
      const host = hostOf(name)
      const others = new OtherMail(gateway, hostOf('well'), 'well.example')
      const users = addresses('user', 80, `${name}.example`)
      await Promise.all(
        Array.from({ length: 40 }, async (_, client) => {
          const localAddress = `127.0.1.${client + 1}`
          for (const to of [users[2 * client] ?? '', users[2 * client + 1] ?? '']) {
            const { data } = await send(gateway, {
              from: 'a@sender.example',
              to: [to],
              localAddress,
            })
            assert.equal(data?.code, 250, data?.text)
          }
        }),
      )
      await untilDelivered(host, users, 30_000)
      await others.finish()
      hostOf('well').memory.clear()
      assert.deepEqual(delivered(host), users.sort())
      const leftAlone = gateway.logLines.filter(
        (line) => line.includes(`:${host.port}`) && line.includes('left alone'),
      )
      // one process may find all of them taken by the other
      if (nodes === 0) assert.deepEqual(leftAlone, [])
      return host
    }

    for (const name of ['greets', 'closes']) {
      it(`${name} when there are too many: no more than it takes, and no more asking`, async () => {
        const host = await crowd(name)
        assert.ok(host.memory.peak <= 5, `${host.memory.peak} sessions`)
        if (nodes > 0) return
        const [first = 0] = host.memory.refusedAt
        const late = host.memory.refusedAt.filter((at) => at > first + 1000)
        assert.ok(host.memory.refused <= 20, `${host.memory.refused} refused`)
        assert.deepEqual(late, [], 'asked again after the limit was learned')
        await gateway.waitForLog(new RegExp(`:${host.port} takes \\d sessions for now`, 'u'))
      })
    }

    it('XCLIENT: the clients together have no more sessions than the host takes', async () => {
      const { memory } = await crowd('xclient')
      assert.ok(memory.peak <= 20, `${memory.peak} sessions`)
      assert.ok(memory.commands.filter((line) => line.startsWith('XCLIENT')).length >= 40)
    })

    it('max_sessions holds for all processes together', async () => {
      const { memory } = await crowd('bounded')
      assert.ok(memory.peak <= 4, `${memory.peak} sessions`)
      assert.ok(memory.peak >= 2, `${memory.peak} sessions`)
    })

    it('a limit that shrinks while sessions are open', async () => {
      const host = hostOf('bounded')
      host.limits = { slowDot, sessions: 1 }
      await crowdAgain(host)
    })

    async function crowdAgain(host: FaultServer): Promise<void> {
      host.drop()
      while (host.memory.open > 0) await sleep(10)
      host.memory.clear()
      const users = addresses('again', 20, 'bounded.example')
      await Promise.all(
        users.map(async (to) => {
          const { data } = await send(gateway, { from: 'a@sender.example', to: [to] })
          assert.equal(data?.code, 250, data?.text)
        }),
      )
      await untilDelivered(host, users, 40_000)
      assert.deepEqual(delivered(host), users.sort())
      assert.equal(host.memory.peak, 1)
    }
  })
}
