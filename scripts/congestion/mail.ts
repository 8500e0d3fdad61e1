/** Clients of the gateways, and when what they sent has arrived. */
import { setTimeout as sleep } from 'node:timers/promises'

import { send } from '../../test/harness/smtp-client.js'
import type { FaultServer } from '../../test/harness/fault-server.js'
import { senderDomain } from './scenario.js'
import type { Gateway } from './gateways.js'

/** Messages of one kind: a recipient each, and when each was sent, by performance.now(). */
export class Mail {
  /** recipient → when its client began */
  readonly sent = new Map<string, number>()
  private readonly under = new Set<Promise<unknown>>()
  private readonly gateway: Gateway
  private readonly domain: string

  constructor(gateway: Gateway, domain: string) {
    this.gateway = gateway
    this.domain = domain
  }

  /** Sends one message; settles when the gateway has answered it or not. Never rejects. */
  send(name = 'user', sender = `honest@${senderDomain}`): Promise<void> {
    const to = [`${name}${this.sent.size}@${this.domain}`]
    return this.sendTo(to, sender)
  }

  async sendTo(to: readonly string[], from: string): Promise<void> {
    const began = performance.now()
    for (const address of to) this.sent.set(address, began)
    // one that was not taken shows in what has arrived
    const work = send(this.gateway, { from, to, timeout: 120_000 }).catch(() => undefined)
    this.under.add(work)
    await work
    this.under.delete(work)
  }

  /** When every client has its answer. */
  async answered(): Promise<void> {
    await Promise.all(this.under)
  }

  /** Seconds from sent to arrived, of those that arrived, in the order of sending. */
  delays(host: FaultServer): number[] {
    const { arrivals } = host.memory
    return [...this.sent].flatMap(([address, began]) => {
      const [at] = arrivals.get(address) ?? []
      return at === undefined ? [] : [(at - began) / 1000]
    })
  }

  /** Waits until all that was sent has arrived, `seconds` at most. */
  async arrived(host: FaultServer, seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000
    while (this.missing(host) > 0 && performance.now() < end) await sleep(50)
  }

  missing(host: FaultServer): number {
    const { arrivals } = host.memory
    return [...this.sent.keys()].filter((address) => !arrivals.has(address)).length
  }
}

/** `clients` at the same time, each one message after the other, `count` in all. */
export async function burst(mail: Mail, clients: number, count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (left-- > 0) await mail.send()
    }),
  )
}

/** Does something every second, from now on, so many times; does not wait for its end. */
export async function everySecond(times: number, what: (turn: number) => void): Promise<void> {
  const began = performance.now()
  for (let turn = 0; turn < times; turn++) {
    what(turn)
    await sleep(Math.max(0, began + (turn + 1) * 1000 - performance.now()))
  }
}

/** Seconds with as many digits as they mean something. */
export function inSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`
}
