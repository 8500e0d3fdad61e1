/**
 * Two processes and a host that takes five sessions of both together: what one learns the other knows, the
 * mail goes over all five, and none is asked for beyond them once that is learned. A process that is
 * killed leaves its part to the other; the one that is started in its place gets it back.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway } from './faults.js'
import { addresses, delivered, untilDelivered } from './other-mail.js'

const sessions = 5
const slowDot = 150

describe('a limit that two processes share', function () {
  this.timeout(90_000)

  let host: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    host = await FaultServer.start({ host: '127.0.0.2', limits: { sessions, slowDot } })
    gateway = await startDeliveryGateway({
      nodes: 2,
      ways: {
        unix: { domains: ['unix.example'], smartHosts: host.smartHost, settings: ['tls = none'] },
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  /** Each message from a client of its own, all at once; answers how long they took. */
  async function crowd(name: string, count: number): Promise<number> {
    const users = addresses(name, count, 'unix.example')
    const started = performance.now()
    await Promise.all(
      users.map(async (to, client) => {
        const localAddress = `127.0.1.${(client % 60) + 1}`
        const { data } = await send(gateway, { from: 'a@sender.example', to: [to], localAddress })
        assert.equal(data?.code, 250, data?.text)
      }),
    )
    await untilDelivered(host, users, 40_000)
    assert.deepEqual(
      delivered(host).filter((to) => to.startsWith(name)),
      [...users].sort(),
    )
    return performance.now() - started
  }

  const workers = (): number[] =>
    execFileSync('ps', ['-o', 'pid=', '--ppid', String(gateway.pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/u)
      .map(Number)

  it('all five are used, and no more are asked for once that is learned', async () => {
    await crowd('learn', 40)
    const { refused } = host.memory
    assert.ok(refused > 0, 'it was never full')
    host.memory.clear()
    const took = await crowd('known', 120)
    assert.equal(host.memory.refused, 0, `${host.memory.refused} refused after it was learned`)
    assert.equal(host.memory.peak, sessions)
    // 120 messages over five sessions; each session has a part, none waits for a part that is not used
    const least = (120 / sessions) * slowDot
    assert.ok(took < 2 * least + 2000, `${Math.round(took)} ms, at least ${least}`)
  })

  it('one process is killed: all mail arrives, and the split is right again', async () => {
    host.memory.clear()
    const [killed = 0] = workers()
    const mail = crowd('killed', 1)
    await mail
    process.kill(killed, 'SIGKILL')
    await eventually(() => {
      const now = workers()
      return now.length === 2 && !now.includes(killed) ? undefined : `processes: ${now.join(' ')}`
    })
    // it has told that it is there when it takes mail
    await sleep(1500)
    host.memory.clear()
    await crowd('after', 120)
    assert.equal(host.memory.peak, sessions)
    assert.equal(host.memory.refused, 0, `${host.memory.refused} refused after it was learned`)
  })
})
