/**
 * What the journal and the status page cost, in one run: the same messages through one gateway after
 * the other, handed over directly to a host, each contestant in its turn.
 *
 *   plain      neither
 *   journal    with [journal]
 *   status     and with the status page, which Prometheus asks every five seconds
 *   beside     and 1,000 requests a second on the same machine, to another program: the measure for
 *   requests   and 1,000 requests a second for the status page
 *
 *   npm run operations-cost                          4 rounds of 1,500 messages each, four minutes
 *   npm run operations-cost -- --rounds 2 --messages 500
 *
 * Compared are the gateway's processor time for a message and the messages a second: on a machine that
 * does other things too, the first tells more. Exits 1 if the journal or the page costs 3 % of
 * processor time or more, or the requests 5 % of the messages a second.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setInterval as every } from 'node:timers'
import { parseArgs } from 'node:util'

import { freePort } from '../plugins/stage/free-port.js'
import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../test/harness/haraka.js'
import { median } from './bench/statistics.js'
import { firstThreadSeconds, processorSeconds } from './bench/usage.js'
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

// milliseconds; Prometheus's own default is a minute
const scrapeInterval = 5000
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

async function round(
  smartHost: string,
  { journal, status, requests }: Contestant,
  options: Options,
): Promise<Measured> {
  const port = await freePort('127.0.0.1')
  const url = `http://127.0.0.1:${port}`
  const gateway = await start(smartHost, { journal, status }, port)
  if (status) await gateway.waitForLog(/the status page listens on/u, 30_000)
  const scrape = async (): Promise<void> => void (await (await fetch(`${url}/metrics`)).text())
  const scrapes = status && every(() => void scrape().catch(() => undefined), scrapeInterval)
  const children: ChildProcess[] = []
  const part = async (...args: readonly string[]): Promise<[ChildProcess, unknown]> => {
    const [child, said] = await startPart(...args)
    children.push(child)
    return [child, said]
  }
  try {
    // the code gets warm
    await sendAll(gateway, { ...options, messages: Math.ceil(options.messages / 2) })
    const target = requests === 'beside' ? String((await part('server'))[1]) : `${url}/`
    const [child] = requests ? await part('requests', String(options.requests), target) : []
    const pid = gateway.pid ?? 0
    const [before, mailBefore] = [processorSeconds(pid), firstThreadSeconds(pid)]
    const started = performance.now()
    await sendAll(gateway, options)
    const seconds = (performance.now() - started) / 1000
    const processor = ((processorSeconds(pid) - before) * 1000) / options.messages
    const mailThread = ((firstThreadSeconds(pid) - mailBefore) * 1000) / options.messages
    const measured = { processor, mailThread, perSecond: options.messages / seconds }
    if (!child) return measured
    const answered = once(child, 'message')
    child.send('end')
    return { ...measured, answered: ((await answered) as [Answered])[0] }
  } finally {
    clearInterval(scrapes)
    for (const one of children) one.kill()
    await gateway.stop()
  }
}

/** A process of this file's other parts, and the first that it says. */
async function startPart(...args: readonly string[]): Promise<[ChildProcess, unknown]> {
  const child = fork(__filename, [...args])
  const [said] = (await once(child, 'message')) as [unknown]
  return [child, said]
}

function toldOf(name: Name, measured: Measured): string {
  const { processor, mailThread, perSecond, answered } = measured
  const statuses = Object.entries(answered?.statuses ?? {}).map(([status, n]) => `${n}x${status}`)
  const requests = answered ? `; ${answered.asked} requests: ${statuses.join(' ')}` : ''
  return `${name.padEnd(8)} ${processor.toFixed(3)} ms of processor time a message (${mailThread.toFixed(3)} where the mail is), ${perSecond.toFixed(0)} messages/s${requests}`
}

function judge(all: ReadonlyMap<Name, readonly Measured[]>): boolean {
  type Key = 'processor' | 'mailThread' | 'perSecond'
  const of = (name: Name, key: Key): number => median((all.get(name) ?? []).map((one) => one[key]))
  const ratio = (one: Name, other: Name, key: Key): number => of(one, key) / of(other, key) - 1
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
  const pairs = [
    ['journal', 'plain'],
    ['status', 'journal'],
    ['requests', 'beside'],
  ] as const
  for (const [one, other] of pairs) {
    const [processor, mailThread, perSecond] = (
      ['processor', 'mailThread', 'perSecond'] as const
    ).map((key) => percent(ratio(one, other, key)))
    console.log(
      `${one} against ${other}: ${processor} processor time, ${mailThread} of the thread with the mail, ${perSecond} messages/s`,
    )
  }
  return (
    ratio('journal', 'plain', 'processor') < mostProcessor &&
    ratio('status', 'journal', 'processor') < mostProcessor &&
    ratio('requests', 'beside', 'perSecond') > -mostThroughput
  )
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '4' },
      messages: { type: 'string', default: '1500' },
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
  const host = await Catcher.start({ host: '127.0.0.2' })
  const all = new Map<Name, Measured[]>()
  const names = Object.keys(contestants) as Name[]
  for (let number = 0; number < Number(values.rounds); number++) {
    // who is first changes with each round
    const turn = number % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const measured = await round(host.smartHost, contestants[name], options)
      host.messages.length = 0
      all.set(name, [...(all.get(name) ?? []), measured])
      console.log(toldOf(name, measured))
    }
  }
  await host.stop()
  if (!judge(all)) process.exitCode = 1
}

if (process.argv[2] === 'requests') requestsMain(process.argv.slice(3))
else if (process.argv[2] === 'server') serverMain()
else void main()
