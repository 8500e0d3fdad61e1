/**
 * The crash test: clients send numbered messages to mixed recipients while the gateway is killed
 * with SIGKILL again and again and smart hosts go away and come back. In the end every recipient of
 * every message that got 250 must have it, at the right host, and no sender hears of a failure.
 *
 * Some hosts go away for moments, one for the whole time (its mail waits, its host is left alone), one
 * defers what comes the first time (its mail waits for its time, and the sender is told of the delay).
 * Half of the kills come at a moment of the log: something begins to wait, a host is left alone, a
 * delay is reported. With two processes half of them hit one process only.
 *
 *   npm run crash                            20 kills, 2,000 messages
 *   npm run crash -- --kills 5 --messages 200 --nodes 2
 *
 * Prints sent, accepted, delivered, duplicates, lost. Exits 1 if anything is lost or misplaced.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { FaultServer, type FaultServerOptions } from '../test/harness/fault-server.js'
import { send, type GatewayProcess } from '../test/harness/haraka.js'
import { startDeliveryGateway } from '../test/e2e/delivery/faults.js'
import { childrenOf } from './bench/usage.js'
import { count, formatResult, reports, type Accepted, type CrashResult } from './crash-result.js'
import { exitOnSignals } from './servers/at-exit.js'

export interface CrashOptions {
  readonly kills: number
  /** to be accepted */
  readonly messages: number
  readonly clients: number
  readonly nodes: number
  readonly progress?: (line: string) => void
}

interface PlaceSpec extends FaultServerOptions {
  readonly name: string
  readonly settings?: readonly string[]
  /** until the kills are over */
  readonly away?: boolean
}

const places: readonly PlaceSpec[] = [
  { name: 'unix' },
  { name: 'partner' },
  { name: 'mailboxes', lmtp: true },
  { name: 'away', away: true },
  {
    name: 'late',
    limits: { greylist: 2500 },
    settings: ['delivery = queue', 'retry = 1s', 'warn_after = 1s'],
  },
]
const drainTime = 180_000
/** lines of the log at which the gateway is killed */
const moments = {
  'an entry waits': /: connector:\S+ waits: /u,
  'a host is left alone': /is left alone for a while/u,
  'a delay is reported': /: \d+ delayed, reported to </u,
} as const

export async function crash(options: CrashOptions): Promise<CrashResult> {
  const { progress = () => undefined } = options
  const hosts = await Promise.all(
    places.map((spec) => FaultServer.start({ ...spec, host: '127.0.0.2' })),
  )
  const sender = await FaultServer.start({ host: '127.0.0.3' })
  const gateway = await startDeliveryGateway({
    nodes: options.nodes,
    // an answer that got lost is tried again after seconds, or the queue would drain for ten minutes
    preload: ['short-uncertain.cjs'],
    ways: {
      ...Object.fromEntries(
        places.map(({ name, settings = [] }, at) => [
          name,
          { domains: [`${name}.example`], smartHosts: hosts[at]?.smartHost ?? '', settings },
        ]),
      ),
      reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
    },
  })
  try {
    const { accepted, ...run } = await underFire(gateway, hosts, options)
    progress('no more kills: the queue drains')
    await drain(gateway)
    return {
      ...run,
      ...count(
        accepted,
        hosts,
        places.map(({ name }) => name),
      ),
      ...reports(sender),
    }
  } finally {
    await gateway.stop()
    await Promise.all([...hosts, sender].map((host) => host.stop()))
  }
}

/** What is counted while the gateway is under fire. */
interface Fire {
  readonly accepted: Map<string, readonly string[]>
  readonly moments: Record<string, number>
  sent: number
  kills: number
}

/** Clients, kills and hosts that come and go, until there were enough of each. */
async function underFire(
  gateway: GatewayProcess,
  hosts: readonly FaultServer[],
  options: CrashOptions,
): Promise<Pick<CrashResult, 'sent' | 'kills' | 'moments'> & { accepted: Accepted }> {
  const fire: Fire = { accepted: new Map(), moments: {}, sent: 0, kills: 0 }
  const over = new AbortController()
  const clients = Array.from({ length: options.clients }, () => sendOn(gateway, fire, options))
  const killer = killOn(gateway, fire, options)
  const chaos = hosts.map((host, at) =>
    places[at]?.away === true ? awayUntil(host, killer) : comeAndGo(host, over.signal),
  )
  await Promise.all([...clients, killer])
  over.abort()
  await Promise.all(chaos)
  return fire
}

async function sendOn(gateway: GatewayProcess, fire: Fire, options: CrashOptions): Promise<void> {
  while (fire.accepted.size < options.messages || fire.kills < options.kills) {
    const number = `m${++fire.sent}`
    const to = recipientsOf(number)
    const data = `Subject: ${number}\r\n\r\n${'x'.repeat(randomInt(1, 70))}\r\n`
    const outcome = await send(gateway, { from: 'crash@sender.example', to, data }).catch(
      () => undefined,
    )
    if (outcome?.data?.code === 250) {
      const taken = to.filter((_, at) => outcome.rcpt[at]?.code === 250)
      fire.accepted.set(number, taken)
    } else await sleep(randomInt(10, 60))
  }
}

async function killOn(gateway: GatewayProcess, fire: Fire, options: CrashOptions): Promise<void> {
  while (fire.kills < options.kills) {
    const moment = await timeToKill(gateway)
    fire.moments[moment] = (fire.moments[moment] ?? 0) + 1
    await killSome(gateway)
    fire.kills++
    const { kills, sent, accepted } = fire
    options.progress?.(`killed ${kills} times (${moment}), ${sent} sent, ${accepted.size} accepted`)
  }
}

async function awayUntil(host: FaultServer, end: Promise<void>): Promise<void> {
  await host.stop()
  await end
  await host.start()
}

async function comeAndGo(host: FaultServer, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await sleep(randomInt(300, 1500))
    await host.stop()
    await sleep(randomInt(100, 600))
    await host.start()
  }
}

/** After some time, or at a moment of the log if one comes; says which it was. */
async function timeToKill(gateway: GatewayProcess): Promise<string> {
  await sleep(randomInt(150, 900))
  const names = Object.keys(moments) as (keyof typeof moments)[]
  const name = names[randomInt(names.length * 2)]
  if (name === undefined) return 'any time'
  const seen = gateway.waitForLog(moments[name], 3000, gateway.logLines.length)
  return seen.then(
    () => name,
    () => 'any time',
  )
}

/** The whole gateway, or one of its processes, which its master replaces. */
async function killSome(gateway: GatewayProcess): Promise<void> {
  const workers = gateway.nodes > 0 && gateway.pid !== undefined ? childrenOf(gateway.pid) : []
  const worker = randomInt(2) === 0 ? workers[randomInt(Math.max(1, workers.length))] : undefined
  if (worker === undefined) {
    await gateway.kill()
    await gateway.start()
    return
  }
  const from = gateway.logLines.length
  process.kill(worker, 'SIGKILL')
  await gateway.waitForLog(/worker \d+ listening on /u, 30_000, from)
}

/** One to three recipients: at one place, so handed over directly, or at several, so queued. */
function recipientsOf(number: string): string[] {
  const first = randomInt(places.length)
  return Array.from({ length: randomInt(1, 4) }, (_, at) => {
    const place = places[(first + (randomInt(3) === 0 ? at : 0)) % places.length]
    return `${number}-${at}@${place?.name}.example`
  })
}

/** Waits until nothing is in the queue. */
async function drain(gateway: GatewayProcess): Promise<void> {
  const end = Date.now() + drainTime
  // an entry that is just being renamed is not seen, so one look is not enough
  for (let empty = 0; empty < 5 && Date.now() < end; await sleep(200)) {
    empty = (await gateway.queue()).length === 0 ? empty + 1 : 0
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      messages: { type: 'string', default: '2000' },
      clients: { type: 'string', default: '10' },
      nodes: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log('crash [--kills 20] [--messages 2000] [--clients 10] [--nodes 0]: some minutes')
    return
  }
  const result = await crash({
    kills: Number(values.kills),
    messages: Number(values.messages),
    clients: Number(values.clients),
    nodes: Number(values.nodes),
    progress: (line) => console.log(line),
  })
  console.log(formatResult(result))
  for (const copy of [...result.lost, ...result.misplaced].slice(0, 20)) console.log(copy)
  const bad = result.lost.length + result.misplaced.length + result.failed
  if (bad > 0) process.exitCode = 1
}

if (require.main === module) {
  exitOnSignals()
  void main()
}
