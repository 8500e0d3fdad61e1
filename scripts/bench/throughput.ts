/**
 * Messages a second, processor time and memory of each contestant, under every load. The rounds are
 * run in turn, one contestant after the other, so that what else the machine does hits all alike.
 */
import { recipientsFor, start, type Contestant, type Field, type Name } from './contestants.js'
import { sendLoad, type Load } from './load.js'
import { blockSize } from './people.js'
import { median, spread, turned } from './statistics.js'

export interface Case {
  readonly clients: number
  readonly octets: number
  readonly messages: number
}

export interface Plan {
  readonly contestants: readonly Name[]
  readonly cases: readonly Case[]
  /** of each contestant: two processes of the same code are up to a twentieth apart */
  readonly starts: number
  /** of each start */
  readonly rounds: number
  /** times 2,000 messages for each process */
  readonly warmUps: number
}

/** The medians of one contestant under one load. */
export interface Result {
  readonly name: Name
  readonly nodes: number
  readonly clients: number
  readonly octets: number
  /** messages a second */
  readonly rate: number
  /** milliseconds of processor time a message, all processes of the contestant */
  readonly processor: number
  /** resident MiB of the largest process */
  readonly memory: number
  /** milliseconds a message takes, one after the other; only with one client */
  readonly latency?: number
  /** of the rate */
  readonly spread: number
}

interface Round {
  readonly rate: number
  readonly processor: number
  readonly memory: number
}

const warmUp: Load = { messages: blockSize, clients: 20, octets: 4096, to: '' }

type Rounds = ReadonlyMap<Case, ReadonlyMap<Name, Round[]>>

/** The rounds of all starts. */
export async function measure(
  plan: Plan,
  field: Field,
  tell: (text: string) => void,
): Promise<Result[]> {
  const all: Rounds = new Map(
    plan.cases.map((one) => [one, new Map(plan.contestants.map((name) => [name, []]))]),
  )
  for (let start = 0; start < plan.starts; start++) {
    const contestants = turned(plan.contestants, start)
    await measureStart({ ...plan, contestants }, field, tell, all)
  }
  return [...all].flatMap(([one, byName]) =>
    [...byName].map(([name, rounds]) => summary(name, field.nodes, one, rounds)),
  )
}

/** Starts the contestants, warms them up, runs the rounds and stops them. */
async function measureStart(
  plan: Plan,
  field: Field,
  tell: (text: string) => void,
  all: Rounds,
): Promise<void> {
  const contestants = new Map<Name, Contestant>()
  // names that no contestant was asked for yet: a block a run
  let run = 0
  try {
    for (const name of plan.contestants) {
      tell(`starting ${name}`)
      contestants.set(name, await start(name, field))
    }
    // V8 has translated everything after some thousand messages; each process has a cache of its own
    for (let pass = 0; pass < plan.warmUps * Math.max(field.nodes, 1); pass++) {
      for (const contestant of contestants.values()) {
        tell(`warming up ${contestant.name}`)
        const { recipients, port } = contestant
        await sendLoad({ ...warmUp, ...target(contestant, pass - 8) }, port)
        if (recipients !== 'warm' || pass === 0) await contestant.drained?.()
      }
    }
    for (const [one, rounds] of all) {
      for (let round = 1; round <= plan.rounds; round++) {
        for (const [name, contestant] of turned([...contestants], round)) {
          tell(
            `${field.nodes || 1} process(es), ${one.octets} octets, ${one.clients} clients, round ${round}: ${name}`,
          )
          const measured = await runOnce(contestant, one, run)
          rounds.get(name)?.push(measured)
          told(name, field.nodes, one, round, measured)
        }
        run += 1
      }
    }
  } finally {
    for (const contestant of contestants.values()) await contestant.stop()
  }
}

/** Each round's figure when it is there: who ends the run early has what was measured. */
function told(name: Name, nodes: number, one: Case, round: number, measured: Round): void {
  const load = `${nodes || 1} process(es), ${one.octets} octets, ${one.clients} clients`
  const rate = `${measured.rate.toFixed(0)} messages/s`
  console.log(
    `${load}, round ${round}: ${name.padEnd(18)} ${rate}, ${measured.processor.toFixed(2)} ms of processor a message`,
  )
}

function target({ recipients }: Contestant, run: number): Pick<Load, 'to' | 'recipients'> {
  const count = recipients === 'mixed' ? 3 : 1
  return { to: recipientsFor(recipients, run < 0 ? 44 + run : run), recipients: count }
}

async function runOnce(contestant: Contestant, one: Case, run: number): Promise<Round> {
  const processor = contestant.processor()
  const started = performance.now()
  await sendLoad({ ...one, ...target(contestant, run) }, contestant.port)
  await contestant.drained?.()
  const seconds = (performance.now() - started) / 1000
  return {
    rate: one.messages / seconds,
    processor: ((contestant.processor() - processor) * 1000) / one.messages,
    memory: contestant.memory(),
  }
}

function summary(name: Name, nodes: number, one: Case, rounds: readonly Round[]): Result {
  const rates = rounds.map(({ rate }) => rate)
  const rate = median(rates)
  return {
    name,
    nodes,
    clients: one.clients,
    octets: one.octets,
    rate,
    processor: median(rounds.map(({ processor }) => processor)),
    memory: median(rounds.map(({ memory }) => memory)),
    ...(one.clients === 1 && { latency: 1000 / rate }),
    spread: spread(rates),
  }
}
