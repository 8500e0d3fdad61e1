/**
 * What the journal and the status page cost, in one run: the same messages through one gateway after
 * the other, handed over directly to a host. All gateways run at the same time; each has its turn with
 * a few hundred messages, again and again, so that what else the machine does hits all of them alike.
 *
 *   plain      neither
 *   journal    with [journal]
 *   status     and with the status page, which Prometheus asks every five seconds
 *   beside     and 1,000 requests a second on the same machine, to another program: the measure for
 *   requests   and 1,000 requests a second for the status page
 *
 *   npm run operations-cost          6 starts, 10 rounds of 400 messages each: six minutes
 *   npm run operations-cost -- --starts 1 --rounds 20 --messages 200 --only beside,requests
 *
 * Compared are the gateway's processor time for a message and the messages a second, round by round:
 * the median of the ratios. Exits 1 if the journal or the page costs 3 % of processor time or more, or
 * the requests 5 % of the messages a second.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { freePort } from '../plugins/stage/free-port.js'
import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../test/harness/haraka.js'
import { median } from './bench/statistics.js'
import { threadSeconds } from './bench/usage.js'
import { buildIfStale } from './build.js'
import { requestsMain, serverMain, type Answered } from './operations-cost/requests.js'

interface Contestant {
  readonly journal?: true | undefined
  readonly status?: true | undefined
  readonly requests?: 'beside' | 'page'
}

const contestants = {
  plain: {},
  journal: { journal: true },
  status: { journal: true, status: true },
  beside: { journal: true, status: true, requests: 'beside' },
  requests: { journal: true, status: true, requests: 'page' },
} as const satisfies Record<string, Contestant>

type Name = keyof typeof contestants
const allNames = Object.keys(contestants) as Name[]

interface Measured {
  /** milliseconds of processor time for a message */
  readonly processor: number
  /** of the thread that has the mail */
  readonly mailThread: number
  readonly perSecond: number
  readonly answered?: Answered
}

interface Options {
  readonly messages: number
  readonly clients: number
  readonly requests: number
}

// seconds; Prometheus's own default is a minute
const scrapeInterval = 5
const mostProcessor = 0.03
const mostThroughput = 0.05

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
class Running {
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
    const { asking, url } = this
    const pid = this.gateway.pid ?? 0
    const scrape = async (): Promise<void> => void (await (await fetch(`${url}/metrics`)).text())
    // as often as Prometheus, in its own time
    if (this.status && this.worked >= this.scraped + scrapeInterval) {
      this.scraped = this.worked
      await scrape()
    }
    if (asking) {
      asking.send('begin')
      // a client may ask for some pages at once; what it costs who goes on is measured
      await delay(1000)
    }
    const before = threadSeconds(pid)
    const started = performance.now()
    await sendAll(this.gateway, options)
    const seconds = (performance.now() - started) / 1000
    this.worked += seconds
    const used = threadSeconds(pid)
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

  private async part(...args: readonly string[]): Promise<[ChildProcess, unknown]> {
    const [child, said] = await startPart(...args)
    this.children.push(child)
    return [child, said]
  }
}

/** A process of this file's other parts, and the first that it says. */
async function startPart(...args: readonly string[]): Promise<[ChildProcess, unknown]> {
  const child = fork(__filename, [...args])
  const [said] = (await once(child, 'message')) as [unknown]
  return [child, said]
}

/** Medians of all rounds, and how the requests were answered. */
function toldOf(name: Name, rounds: readonly Measured[]): string {
  const of = (key: 'processor' | 'mailThread' | 'perSecond'): number =>
    median(rounds.map((one) => one[key]))
  const statuses: Record<string, number> = {}
  for (const { answered } of rounds) {
    for (const [status, n] of Object.entries(answered?.statuses ?? {})) {
      statuses[status] = (statuses[status] ?? 0) + n
    }
  }
  const counts = Object.entries(statuses).map(([status, n]) => `${n}x${status}`)
  const requests = counts.length > 0 ? `; requests: ${counts.join(' ')}` : ''
  return `${name.padEnd(8)} ${of('processor').toFixed(3)} ms of processor time a message (${of('mailThread').toFixed(3)} where the mail is), ${of('perSecond').toFixed(0)} messages/s${requests}`
}

function judge(all: ReadonlyMap<Name, readonly Measured[]>): boolean {
  type Key = 'processor' | 'mailThread' | 'perSecond'
  const ratio = (one: Name, other: Name, key: Key): number => {
    const others = all.get(other) ?? []
    return median((all.get(one) ?? []).map((each, at) => each[key] / (others[at]?.[key] ?? 0))) - 1
  }
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
  const pairs = [
    ['journal', 'plain'],
    ['status', 'journal'],
    ['requests', 'beside'],
  ] as const
  const measured = pairs.filter((pair) => pair.every((name) => all.has(name)))
  for (const [one, other] of measured) {
    const [processor, mailThread, perSecond] = (
      ['processor', 'mailThread', 'perSecond'] as const
    ).map((key) => percent(ratio(one, other, key)))
    console.log(
      `${one} against ${other}: ${processor} processor time, ${mailThread} of the thread with the mail, ${perSecond} messages/s`,
    )
  }
  return measured.every(([one, other]) =>
    one === 'requests'
      ? ratio(one, other, 'perSecond') > -mostThroughput
      : ratio(one, other, 'processor') < mostProcessor,
  )
}

/** All gateways are started, have their turns, and end. */
async function oneStart(
  host: Catcher,
  names: readonly Name[],
  rounds: number,
  options: Options,
  all: ReadonlyMap<Name, Measured[]>,
): Promise<void> {
  const running = new Map<Name, Running>()
  try {
    for (const name of names) {
      const one = await Running.start(host.smartHost, contestants[name], options)
      running.set(name, one)
      // the code gets warm
      await one.turn({ ...options, messages: 1500 })
    }
    for (let number = 0; number < rounds; number++) {
      // who is first changes with each round
      const turn = number % names.length
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        const measured = await running.get(name)?.turn(options)
        host.messages.length = 0
        if (measured) all.get(name)?.push(measured)
      }
    }
  } finally {
    await Promise.all([...running.values()].map((one) => one.stop()))
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: allNames.join() },
      starts: { type: 'string', default: '6' },
      rounds: { type: 'string', default: '10' },
      messages: { type: 'string', default: '400' },
      clients: { type: 'string', default: '10' },
      requests: { type: 'string', default: '1000' },
    },
  })
  await buildIfStale()
  const options = {
    messages: Number(values.messages),
    clients: Number(values.clients),
    requests: Number(values.requests),
  }
  const names = allNames.filter((name) => values.only.split(',').includes(name))
  const host = await Catcher.start({ host: '127.0.0.2' })
  const all = new Map<Name, Measured[]>(names.map((name) => [name, []]))
  for (let start = 0; start < Number(values.starts); start++) {
    // two processes of the same code are up to a twentieth apart, so each contestant has several
    await oneStart(host, names, Number(values.rounds), options, all)
    console.log(`start ${start + 1} of ${values.starts} is done`)
  }
  await host.stop()
  for (const [name, measured] of all) console.log(toldOf(name, measured))
  if (!judge(all)) process.exitCode = 1
}

if (process.argv[2] === 'requests') requestsMain(process.argv.slice(3))
else if (process.argv[2] === 'server') serverMain()
else void main()
