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
import { exitOnSignals } from './servers/at-exit.js'

export interface CrashOptions {
  readonly kills: number
  /** to be accepted */
  readonly messages: number
  readonly clients: number
  readonly nodes: number
  readonly progress?: (line: string) => void
}

export interface CrashResult {
  readonly kills: number
  /** kills at a moment of the log, by what it was */
  readonly moments: Readonly<Record<string, number>>
  /** messages tried to be sent */
  readonly sent: number
  /** messages that got 250 */
  readonly accepted: number
  /** recipients of those, and how many of them have the message */
  readonly recipients: number
  readonly delivered: number
  /** a recipient's second and further copies */
  readonly duplicates: number
  /** reports of a delay that reached the sender, and of a failure */
  readonly delayed: number
  readonly failed: number
  /** `message recipient` without a copy */
  readonly lost: readonly string[]
  /** copies at a host that the recipient does not belong to */
  readonly misplaced: readonly string[]
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
    return { ...run, ...count(accepted, hosts), ...reports(sender) }
  } finally {
    await gateway.stop()
    await Promise.all([...hosts, sender].map((host) => host.stop()))
  }
}

/** Clients, kills and hosts that come and go, until there were enough of each. */
async function underFire(
  gateway: GatewayProcess,
  hosts: readonly FaultServer[],
  options: CrashOptions,
): Promise<Pick<CrashResult, 'sent' | 'kills' | 'moments'> & { accepted: Accepted }> {
  const accepted = new Map<string, readonly string[]>()
  const counts: Record<string, number> = {}
  let sent = 0
  let kills = 0
  const chaosOver = new AbortController()
  const clients = Array.from({ length: options.clients }, async () => {
    while (accepted.size < options.messages || kills < options.kills) {
      const number = `m${++sent}`
      const to = recipientsOf(number)
      const data = `Subject: ${number}\r\n\r\n${'x'.repeat(randomInt(1, 70))}\r\n`
      const outcome = await send(gateway, { from: 'crash@sender.example', to, data }).catch(
        () => undefined,
      )
      if (outcome?.data?.code === 250) {
        const taken = to.filter((_, at) => outcome.rcpt[at]?.code === 250)
        accepted.set(number, taken)
      } else await sleep(randomInt(10, 60))
    }
  })
  const killer = (async () => {
    while (kills < options.kills) {
      const moment = await timeToKill(gateway)
      counts[moment] = (counts[moment] ?? 0) + 1
      await killSome(gateway)
      kills++
      options.progress?.(
        `killed ${kills} times (${moment}), ${sent} sent, ${accepted.size} accepted`,
      )
    }
  })()
  const chaos = hosts.map(async (host, at) => {
    if (places[at]?.away === true) {
      await host.stop()
      await killer
      await host.start()
      return
    }
    while (!chaosOver.signal.aborted) {
      await sleep(randomInt(300, 1500))
      await host.stop()
      await sleep(randomInt(100, 600))
      await host.start()
    }
  })
  await Promise.all([...clients, killer])
  chaosOver.abort()
  await Promise.all(chaos)
  return { accepted, sent, kills, moments: counts }
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

type Accepted = ReadonlyMap<string, readonly string[]>

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

function count(
  accepted: Accepted,
  hosts: readonly FaultServer[],
): Omit<CrashResult, 'kills' | 'moments' | 'sent' | 'delayed' | 'failed'> {
  const copies = new Map<string, number>()
  const misplaced: string[] = []
  hosts.forEach((host, at) => {
    for (const { wire, to } of host.messages) {
      const number = /^Subject: (\w+)\r$/mu.exec(wire.toString())?.[1] ?? 'no number'
      for (const recipient of to) {
        const copy = `${number} ${recipient}`
        copies.set(copy, (copies.get(copy) ?? 0) + 1)
        const right = recipient.endsWith(`@${places[at]?.name}.example`)
        if (!right || !recipient.startsWith(`${number}-`)) misplaced.push(copy)
      }
    }
  })
  const wanted = [...accepted].flatMap(([number, to]) =>
    to.map((address) => `${number} ${address}`),
  )
  const lost = wanted.filter((copy) => !copies.has(copy))
  const duplicates = [...copies.values()].reduce((sum, times) => sum + times - 1, 0)
  return {
    accepted: accepted.size,
    recipients: wanted.length,
    delivered: wanted.length - lost.length,
    duplicates,
    lost,
    misplaced,
  }
}

/** What the sender was told. */
function reports({ messages }: FaultServer): Pick<CrashResult, 'delayed' | 'failed'> {
  const actions = messages.flatMap(({ wire }) => wire.toString().match(/^Action: \w+/gmu) ?? [])
  const of = (action: string): number => actions.filter((one) => one.endsWith(action)).length
  return { delayed: of('delayed'), failed: of('failed') }
}

export function formatResult(result: CrashResult): string {
  const { kills, sent, accepted, recipients, delivered, duplicates, lost, misplaced } = result
  const at = Object.entries(result.moments).map(([name, times]) => `${times} ${name}`)
  return [
    `${kills} kills (${at.join(', ')}); messages: ${sent} sent, ${accepted} accepted;`,
    `recipients of those: ${recipients}, ${delivered} delivered,`,
    `${duplicates} duplicates, ${lost.length} lost, ${misplaced.length} misplaced;`,
    `reported: ${result.delayed} delayed, ${result.failed} failed`,
  ].join(' ')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      messages: { type: 'string', default: '2000' },
      clients: { type: 'string', default: '10' },
      nodes: { type: 'string', default: '0' },
    },
  })
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
