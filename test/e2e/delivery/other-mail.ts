/**
 * Mail of other people, while something goes wrong: a message every `every` milliseconds, each to a
 * recipient of its own. In the end each must have arrived, once, and none late.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import type { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually } from './faults.js'

// a loaded machine, as opposed to a wait for a host
const late = 5000
/** of all that was sent: no recipient comes twice */
let count = 0

export class OtherMail {
  private readonly sent = new Map<string, number>()
  private readonly gateway: GatewayProcess
  private readonly host: FaultServer
  private readonly domain: string
  private going = true
  private readonly ended: Promise<void>

  constructor(gateway: GatewayProcess, host: FaultServer, domain: string, every = 200) {
    this.gateway = gateway
    this.host = host
    this.domain = domain
    this.ended = this.run(every)
    // a test that fails before it asks is told of its own failure
    this.ended.catch(() => undefined)
  }

  /** Stops sending; rejects if a message did not arrive, came late or came twice. */
  async finish(most = late): Promise<void> {
    this.going = false
    await this.ended
    await eventually(() => {
      const missing = [...this.sent.keys()].filter((to) => !this.host.memory.arrivals.has(to))
      return missing.length === 0 ? undefined : `not arrived: ${missing.join(', ')}`
    })
    assert.ok(this.sent.size > 0, 'no other mail was sent')
    for (const [to, began] of this.sent) {
      const [at = 0, ...copies] = this.host.memory.arrivals.get(to) ?? []
      assert.deepEqual(copies, [], `${to} came twice`)
      assert.ok(at - began < most, `${to} came after ${Math.round(at - began)} ms`)
    }
  }

  private async run(every: number): Promise<void> {
    const answers: Promise<void>[] = []
    const failures: unknown[] = []
    while (this.going && this.gateway.pid !== undefined) {
      const to = `other${++count}@${this.domain}`
      this.sent.set(to, performance.now())
      answers.push(
        send(this.gateway, { from: 'other@sender.example', to: [to] })
          .then(({ data }) => {
            assert.equal(data?.code, 250, data?.text)
            return undefined
          })
          .catch((error: unknown) => void failures.push(error)),
      )
      await sleep(every)
    }
    await Promise.all(answers)
    if (failures.length > 0) throw failures[0]
  }
}

/** Addresses in a row: `a0@x.example`, `a1@x.example`, … */
export function addresses(name: string, count: number, domain: string): string[] {
  return Array.from({ length: count }, (_, at) => `${name}${at}@${domain}`)
}

/** Recipients in reports that reached the sender, each as often as it was reported. */
export function reportedTo(sender: FaultServer, action = 'failed'): string[] {
  return sender.messages
    .filter(({ from }) => from === '')
    .flatMap(({ wire }) => {
      const blocks = wire.toString().split('\r\n\r\n')
      return blocks.filter((block) => block.includes(`Action: ${action}\r\n`))
    })
    .flatMap((block) => /^Final-Recipient: rfc822; ?(.*)$/mu.exec(block)?.[1]?.trim() ?? [])
}

/** Recipients that have it, each as often as it came. */
export function delivered(host: FaultServer): string[] {
  return [...host.memory.arrivals].flatMap(([to, copies]) => copies.map(() => to)).sort()
}

export async function untilDelivered(
  host: FaultServer,
  wanted: readonly string[],
  timeout = 20_000,
): Promise<void> {
  await eventually(() => {
    const missing = wanted.filter((to) => !host.memory.arrivals.has(to))
    return missing.length === 0 ? undefined : `not delivered: ${missing.join(', ')}`
  }, timeout)
}

export async function untilQueueIsEmpty(gateway: GatewayProcess, timeout = 20_000): Promise<void> {
  await eventually(async () => {
    const left = await gateway.queue()
    return left.length === 0 ? undefined : `${left.length} in the queue`
  }, timeout)
}

export async function untilQueued(gateway: GatewayProcess, count: number): Promise<void> {
  await eventually(async () => {
    const { length } = await gateway.queue()
    return length === count ? undefined : `expected ${count} in the queue, got ${length}`
  })
}
