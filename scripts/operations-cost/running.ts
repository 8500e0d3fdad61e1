/**
 * A gateway whose cost is measured: it is started once and has its turns, while others have theirs. Who asks
 * it for pages, or the program beside, is a process of its own (requests.ts).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { freePort } from '../../plugins/stage/free-port.js'
import { SmtpClient, startGateway, type GatewayProcess } from '../../test/harness/haraka.js'
import { preciseSeconds } from '../bench/usage.js'
import type { Answered } from './requests.js'

export interface Contestant {
  readonly journal?: true | undefined
  readonly status?: true | undefined
  readonly requests?: 'beside' | 'page'
}

export interface Measured {
  /** milliseconds of processor time for a message, the page's process included */
  readonly processor: number
  /** of the thread that has the mail */
  readonly mailThread: number
  readonly perSecond: number
  readonly answered?: Answered
}

export interface Options {
  readonly messages: number
  readonly clients: number
  readonly requests: number
}

// seconds; Prometheus's own default is a minute
const scrapeInterval = 5

async function sendAll(gateway: GatewayProcess, { messages, clients }: Options): Promise<void> {
  let left = messages
  const body = 'x'.repeat(70)
  const data = `Subject: cost\r\n\r\n${`${body}\r\n`.repeat(50)}`
  const one = async (): Promise<void> => {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    while (left-- > 0) {
      await client.mail('a@client.example')
      await client.rcpt('b@unix.example')
      const reply = await client.data(data)
      if (reply.code !== 250) throw new Error(`expected 250, got ${reply.text}`)
    }
    await client.quit()
  }
  await Promise.all(Array.from({ length: clients }, one))
}

function start(
  smartHost: string,
  { journal, status }: Pick<Contestant, 'journal' | 'status'>,
  port: number,
): Promise<GatewayProcess> {
  const sections = [
    ...(journal ? ['[journal]'] : []),
    ...(status ? ['[status]', `listen = 127.0.0.1:${port}`] : []),
  ]
  return startGateway({
    plugins: [
      ...(status ? ['address-space/status'] : []),
      'address-space/accepted-domains',
      'address-space/connectors',
    ],
    logLevel: 'notice',
    config: {
      'accepted-domains.ini': 'relay = unix.example\npostmaster = p@unix.example\n',
      'connectors.ini': `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${smartHost}\nallow_relay = true\n`,
      ...(sections.length > 0 && { 'address-space.ini': `${sections.join('\n')}\n` }),
    },
  })
}

/** A gateway that runs all the time, and whoever asks it for pages while it is its turn. */
export class Running {
  private readonly gateway: GatewayProcess
  private readonly url: string
  private readonly status: boolean
  private readonly children: ChildProcess[] = []
  private asking: ChildProcess | undefined
  /** seconds of its turns so far, and when Prometheus last asked */
  private worked = 0
  private scraped = 0

  private constructor(gateway: GatewayProcess, url: string, status: boolean) {
    this.gateway = gateway
    this.url = url
    this.status = status
  }

  static async start(
    smartHost: string,
    { journal, status, requests }: Contestant,
    options: Options,
  ): Promise<Running> {
    const port = await freePort('127.0.0.1')
    const gateway = await start(smartHost, { journal, status }, port)
    const running = new Running(gateway, `http://127.0.0.1:${port}`, status === true)
    if (status) await gateway.waitForLog(/the status page listens on/u, 30_000)
    if (requests) {
      const target =
        requests === 'beside' ? String((await running.part('server'))[1]) : `${running.url}/`
      const rate = String(options.requests)
      running.asking = (await running.part('requests', rate, target))[0]
    }
    return running
  }

  /** Sends the messages; requests come, and Prometheus, while it does. */
  async turn(options: Options): Promise<Measured> {
    const { asking } = this
    const pid = this.gateway.pid ?? 0
    // as often as Prometheus, in its own time
    if (this.status && this.worked >= this.scraped + scrapeInterval) {
      this.scraped = this.worked
      await (await fetch(`${this.url}/metrics`)).text()
    }
    if (asking) {
      asking.send('begin')
      // a client may ask for some pages at once; what it costs who goes on is measured
      await delay(1000)
    }
    const before = preciseSeconds(pid)
    const started = performance.now()
    await sendAll(this.gateway, options)
    const seconds = (performance.now() - started) / 1000
    this.worked += seconds
    const used = preciseSeconds(pid)
    const aMessage = 1000 / options.messages
    const processor = (used.all - before.all) * aMessage
    const mailThread = (used.first - before.first) * aMessage
    const measured = { processor, mailThread, perSecond: options.messages / seconds }
    if (!asking) return measured
    const answered = once(asking, 'message')
    asking.send('end')
    return { ...measured, answered: ((await answered) as [Answered])[0] }
  }

  async stop(): Promise<void> {
    for (const child of this.children) child.kill()
    await this.gateway.stop()
  }

  /** Starts a process of requests.ts; it, and the first that it says. */
  private async part(...args: readonly string[]): Promise<[ChildProcess, unknown]> {
    const child = fork(join(__dirname, 'requests.ts'), [...args])
    this.children.push(child)
    const [said] = (await once(child, 'message')) as [unknown]
    return [child, said]
  }
}
