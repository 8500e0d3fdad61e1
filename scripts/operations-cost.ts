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
import { parseArgs } from 'node:util'

import { Catcher } from '../test/harness/haraka.js'
import { median, turned } from './bench/statistics.js'
import { buildIfStale } from './build.js'
import { pick } from './pick.js'
import { Running, type Contestant, type Measured, type Options } from './operations-cost/running.js'

const contestants = {
  plain: {},
  journal: { journal: true },
  status: { journal: true, status: true },
  beside: { journal: true, status: true, requests: 'beside' },
  requests: { journal: true, status: true, requests: 'page' },
} as const satisfies Record<string, Contestant>

type Name = keyof typeof contestants
const allNames = Object.keys(contestants) as Name[]

const mostProcessor = 0.03
const mostThroughput = 0.05

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
      for (const name of turned(names, number)) {
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
      only: { type: 'string', multiple: true },
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
  const names = pick('--only', values.only, allNames, (name) => name)
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

void main()
