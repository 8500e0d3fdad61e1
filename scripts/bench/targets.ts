/** What was aimed at, and what was measured of it. Pure. */
import { names, type Name } from './contestants.js'
import type { DecisionCost } from './decisions.js'
import type { MemoryUse } from './memory.js'
import type { Result } from './throughput.js'

export interface Target {
  readonly text: string
  /** absent: this run did not measure it */
  readonly measured: number | undefined
  readonly expected: number
  /** reached by at most that much */
  readonly most?: boolean
  readonly unit: string
}

export interface Measured {
  readonly results: readonly Result[]
  readonly decisions: readonly DecisionCost[]
  readonly memory?: MemoryUse
}

/** One contestant's rate as a part of another's. */
interface RatioAim {
  readonly of: Name
  readonly to: Name
  readonly clients: number
  readonly expected: number
  /** 4 KB */
  readonly octets?: number
  /** 0: one process; Postfix is always one installation */
  readonly nodes?: number
}

const ratioAims: readonly RatioAim[] = [
  { of: names.chunking, to: names.limit, clients: 20, expected: 0.75 },
  { of: names.chunkingWarm, to: names.limit, clients: 20, expected: 0.7 },
  { of: names.file, to: names.limit, clients: 20, expected: 0.63 },
  { of: names.warm, to: names.limit, clients: 20, expected: 0.61 },
  { of: names.chunking40, to: names.data40, clients: 20, expected: 1.8 },
  { of: names.file, to: names.limit, clients: 20, octets: 102_400, expected: 0.75 },
  { of: names.file, to: names.forward, clients: 20, expected: 1.5 },
  { of: names.warm, to: names.forward, clients: 20, expected: 1.5 },
  { of: names.cold, to: names.limit, clients: 100, expected: 0.65 },
  { of: names.queued, to: names.postfix, clients: 20, expected: 1.25 },
  { of: names.queued, to: names.postfix, clients: 100, expected: 1.4 },
  { of: names.mixed, to: names.postfixMixed, clients: 20, expected: 1 },
  { of: names.file, to: names.postfix, clients: 20, nodes: 2, expected: 1.5 },
  { of: names.warm, to: names.postfix, clients: 20, nodes: 2, expected: 1.5 },
]

export function targets({ results, decisions, memory }: Measured): Target[] {
  const ofContacts = decisions.filter(({ what }) => what === 'contacts').map(({ cache }) => cache)
  return [
    ...ratioAims.map((aim) => ratioTarget(results, aim)),
    ...[names.file, names.chunking].map((name) => addedTarget(results, name)),
    atMost('a decision from the cache, the dearest', largest(decisions), 10, ' µs'),
    atMost('a decision, a million contacts to a thousand', growth(ofContacts), 1.5, '×'),
    atMost('a million contacts from CSVDE, resident', memory?.million.now, 400, ' MiB'),
    atMost(
      '10,000 messages, growth after a collection',
      memory && memory.after.heap - memory.before.heap,
      1,
      ' MiB',
    ),
  ]
}

function ratioTarget(results: readonly Result[], aim: RatioAim): Target {
  const { of, to, clients, expected, octets = 4096, nodes = 0 } = aim
  const rate = (name: Name): number | undefined =>
    results.find(
      (one) =>
        one.name === name &&
        one.nodes === (name === names.postfix ? 0 : nodes) &&
        one.clients === clients &&
        one.octets === octets,
    )?.rate
  const [a, b] = [rate(of), rate(to)]
  const details = [
    `${clients} clients`,
    ...(octets === 4096 ? [] : [`${octets / 1024} KB`]),
    ...(nodes === 0 ? [] : [`${nodes} processes`]),
  ]
  return {
    text: `${of}, of ${to}, ${details.join(', ')}`,
    measured: a === undefined || b === undefined ? undefined : a / b,
    expected,
    unit: '×',
  }
}

/** What a message takes longer than in Haraka that drops it, with one client. */
function addedTarget(results: readonly Result[], name: Name): Target {
  const latency = (of: Name): number | undefined =>
    results.find((one) => one.name === of && one.latency !== undefined)?.latency
  const [own, limit] = [latency(name), latency(names.limit)]
  const measured = own === undefined || limit === undefined ? undefined : own - limit
  return atMost(`${name}, added to the limit's latency, 1 client`, measured, 0.5, ' ms')
}

function atMost(
  text: string,
  measured: number | undefined,
  expected: number,
  unit: string,
): Target {
  return { text, measured, expected, most: true, unit }
}

function largest(decisions: readonly DecisionCost[]): number | undefined {
  return decisions.length > 0 ? Math.max(...decisions.map(({ cache }) => cache)) : undefined
}

function growth(costs: readonly number[]): number | undefined {
  const [first, last] = [costs[0], costs.at(-1)]
  return first === undefined || last === undefined ? undefined : last / first
}
