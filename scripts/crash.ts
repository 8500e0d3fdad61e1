/**
 * The crash test: clients send numbered messages to mixed recipients while the gateway is killed
 * with SIGKILL again and again and smart hosts go away and come back. In the end every recipient of
 * every message that got 250 must have it, at the right host.
 *
 *   npm run crash                            20 kills, 2,000 messages
 *   npm run crash -- --kills 5 --messages 200
 *
 * Prints sent, accepted, delivered, duplicates, lost. Exits 1 if anything is lost or misplaced.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { Catcher, send, type GatewayProcess } from '../test/harness/haraka.js'
import { startDeliveryGateway } from '../test/e2e/delivery/faults.js'

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
  /** messages tried to be sent */
  readonly sent: number
  /** messages that got 250 */
  readonly accepted: number
  /** recipients of those, and how many of them have the message */
  readonly recipients: number
  readonly delivered: number
  /** a recipient's second and further copies */
  readonly duplicates: number
  /** `message recipient` without a copy */
  readonly lost: readonly string[]
  /** copies at a host that the recipient does not belong to */
  readonly misplaced: readonly string[]
}

const places = [
  { name: 'unix', protocol: 'smtp' },
  { name: 'partner', protocol: 'smtp' },
  { name: 'mailboxes', protocol: 'lmtp' },
] as const
const drainTime = 120_000

export async function crash(options: CrashOptions): Promise<CrashResult> {
  const { progress = () => undefined } = options
  const hosts = await Promise.all(
    places.map(({ protocol }) => Catcher.start({ host: '127.0.0.2', protocol })),
  )
  const gateway = await startDeliveryGateway({
    nodes: options.nodes,
    logLevel: 'notice',
    ways: Object.fromEntries(
      places.map(({ name }, at) => [
        name,
        { domains: [`${name}.example`], smartHosts: hosts[at]?.smartHost ?? '' },
      ]),
    ),
  })
  try {
    const accepted = new Map<string, readonly string[]>()
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
    const chaos = [
      (async () => {
        while (kills < options.kills) {
          await sleep(randomInt(150, 900))
          await gateway.kill()
          kills++
          await gateway.start()
          progress(`killed ${kills} times, ${sent} sent, ${accepted.size} accepted`)
        }
      })(),
      ...hosts.map(async (host) => {
        while (!chaosOver.signal.aborted) {
          await sleep(randomInt(300, 1500))
          await host.stop()
          await sleep(randomInt(100, 600))
          await host.start()
        }
      }),
    ]
    await Promise.all([...clients, chaos[0]])
    chaosOver.abort()
    await Promise.all(chaos)
    progress('no more kills: the queue drains')
    await drain(gateway)
    return { kills, sent, ...count(accepted, hosts) }
  } finally {
    await gateway.stop()
    await Promise.all(hosts.map((host) => host.stop()))
  }
}

/** One to three recipients: at one place, so handed over directly, or at several, so queued. */
function recipientsOf(number: string): string[] {
  const first = randomInt(places.length)
  return Array.from({ length: randomInt(1, 4) }, (_, at) => {
    const place = places[(first + (randomInt(3) === 0 ? at : 0)) % places.length]
    return `${number}-${at}@${place?.name}.example`
  })
}

/** Waits until nothing is in the queue; the clock of Haraka's queue is 5 s here. */
async function drain(gateway: GatewayProcess): Promise<void> {
  const end = Date.now() + drainTime
  // an entry that is just being renamed is not seen, so one look is not enough
  for (let empty = 0; empty < 5 && Date.now() < end; await sleep(200)) {
    empty = (await gateway.queue()).length === 0 ? empty + 1 : 0
  }
}

function count(
  accepted: ReadonlyMap<string, readonly string[]>,
  hosts: readonly Catcher[],
): Omit<CrashResult, 'kills' | 'sent'> {
  const copies = new Map<string, number>()
  const misplaced: string[] = []
  hosts.forEach((host, at) => {
    for (const { raw, to } of host.messages) {
      const number = /^Subject: (\w+)\r$/mu.exec(raw.toString())?.[1] ?? 'no number'
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

export function formatResult(result: CrashResult): string {
  const { kills, sent, accepted, recipients, delivered, duplicates, lost, misplaced } = result
  return [
    `${kills} kills; messages: ${sent} sent, ${accepted} accepted;`,
    `recipients of those: ${recipients}, ${delivered} delivered,`,
    `${duplicates} duplicates, ${lost.length} lost, ${misplaced.length} misplaced`,
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
  if (result.lost.length > 0 || result.misplaced.length > 0) process.exitCode = 1
}

if (require.main === module) void main()
