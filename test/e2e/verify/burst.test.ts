/**
 * A burst of made-up recipients at a host that closes after 20 errors and lets each unknown one wait
 * for a second, while honest mail for the same host goes on.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually } from '../delivery/faults.js'
import { codesOf, startVerifyingGateway } from './gateway.js'

describe('verify_recipients: a burst of 200 made-up recipients', function () {
  this.timeout(120_000)
  let host: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    host = await FaultServer.start({
      host: '127.0.0.2',
      limits: { errors: 20, tarpit: 1000, sessions: 20 },
      script: {
        rcpt: (address) => (/^(?:postmaster|honest)/u.test(address) ? undefined : '550 5.1.1 no'),
      },
    })
    gateway = await startVerifyingGateway({ unix: host.smartHost })
  })
  after(async () => {
    await gateway.stop()
    await host.stop()
  })

  /** Milliseconds from the client's connection to its 250. */
  const sendHonest = async (number: number): Promise<number> => {
    const started = performance.now()
    const to = [`honest${number}@unix.example`]
    const { data } = await send(gateway, { from: 'a@client.example', to })
    assert.equal(data?.code, 250)
    return performance.now() - started
  }

  /** Twenty-five clients at once, eight recipients each: more than the host takes sessions. */
  const burst = async (): Promise<Map<string, string>> => {
    const heard = new Map<string, string>()
    const client = async (_: unknown, number: number): Promise<void> => {
      const names = Array.from({ length: 8 }, (_unused, at) => `x${number}-${at}@unix.example`)
      const codes = await codesOf(gateway, names)
      names.forEach((recipient, at) => heard.set(recipient, codes[at] ?? ''))
    }
    await Promise.all(Array.from({ length: 25 }, client))
    return heard
  }

  it('each is refused at the second asking at the latest, honest mail is not delayed', async () => {
    const calm: number[] = []
    for (let number = 0; number < 5; number++) calm.push(await sendHonest(number))

    const state = { isOver: false }
    const attack = burst().finally(() => (state.isOver = true))
    const during: number[] = []
    for (let number = 100; !state.isOver && number < 200; number++) {
      during.push(await sendHonest(number))
      await sleep(200)
    }
    const first = await attack
    assert.ok(during.length >= 5, `${during.length} honest messages in the time of the burst`)
    const delay = Math.max(...during) - Math.max(...calm)
    assert.ok(delay < 1000, `honest mail is delayed by ${delay} ms: ${during.join(', ')}`)

    // what was not answered in time goes on in the background
    await eventually(() => {
      const left = [...first.keys()].filter((name) => !host.memory.asked.has(name))
      return left.length === 0 ? undefined : `${left.length} not asked about yet`
    }, 60_000)
    const accepted = [...first].filter(([, code]) => code.startsWith('250')).map(([name]) => name)
    const again = await codesOf(gateway, accepted)
    assert.deepEqual(new Set(again), new Set(accepted.length === 0 ? [] : ['550 5.1.1']))
    assert.equal(first.size, 200)
    assert.deepEqual(new Set(first.values()).size <= 2, true)
    assert.equal(host.memory.tooManyErrors, 0, 'no session is used up')
    assert.ok(host.memory.peak <= 20, `${host.memory.peak} sessions`)
    console.log(
      `      ${200 - accepted.length} of 200 refused at the first asking; honest mail took ` +
        `${Math.round(Math.max(...calm))} ms before, ${Math.round(Math.max(...during))} ms meanwhile, at most`,
    )
  })
})
