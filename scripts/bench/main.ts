/**
 * `npm run bench`: the pack beside what users would take instead, on this machine, in one run. What it
 * can be told stands in `usage`, which `--help` prints.
 *
 * The results depend on what else the machine does: the rounds are run in turn, and ratios count.
 * However it ends, by a signal or a failure too, no process and no folder of it stays.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { root } from '../build.js'
import { exitOnSignals } from '../servers/at-exit.js'
import { installServer } from '../servers/debian.js'
import { run } from '../servers/process.js'
import { Slapd } from '../servers/slapd.js'
import { toSvg } from './chart.js'
import { besideNames, distant, names, type Name } from './contestants.js'
import { decisionCosts, type DecisionCost } from './decisions.js'
import { sourceArguments, Sink } from './load.js'
import { describeMachine } from './machine.js'
import { measureMemory } from './memory.js'
import { blockAddress, places, toLdif, transportsLdif, type PlaceName } from './people.js'
import { profile } from './profile.js'
import { toMarkdown, type Report } from './report.js'
import { measure, type Case, type Result } from './throughput.js'

const allNames: readonly Name[] = Object.values(names)
const shortName = (name: string): string => name.replaceAll(/\W+/gu, '')

const usage = `npm run bench -- [options]

  --quick         a few loads, in a minute or two, to see whether something has become slow
  --rounds N      rounds of each load (3)
  --starts N      starts of each contestant, with so many rounds each (1)
  --only A,B      these contestants only, without the other measurements
  --clients N,M   only the loads of that many clients: 1, 20, 100
  --beside FOLDER another build of the pack (the dist/ of another clone), measured in turn with this one
  --profile NAME  where the time of a message goes in that one, 20 clients; no measurement
  --octets N      of a message that is profiled (4096)
  --processes N   only the measurements with one process, or with two
  --write         puts the results into docs/: performance.svg and the tables of performance.md
  --help          prints this

Contestants: ${allNames.map(shortName).join(', ')}.
The other pack is that of --beside.

Postfix and slapd are installed where they may be (root on Debian). Traffic goes to loopback only. The
whole run takes about an hour on two cores; let the machine do nothing else.`

const oneByOne: Case = { clients: 1, octets: 4096, messages: 300 }
const small: Case = { clients: 20, octets: 4096, messages: 1500 }
const many: Case = { ...small, clients: 100 }
// a message takes two round trips of up to 40 ms
const faraway: Case = { ...small, messages: 600 }
const large: Case = { ...small, octets: 102_400, messages: 400 }

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    starts: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    clients: { type: 'string', multiple: true },
    processes: { type: 'string', multiple: true },
    beside: { type: 'string' },
    profile: { type: 'string' },
    octets: { type: 'string', default: '4096' },
    help: { type: 'boolean', default: false },
  },
})
const only = listOf(options.only)?.map(nameOf)
const usual = allNames.filter((name) => options.beside !== undefined || !besideNames.has(name))
const profiled = options.profile === undefined ? undefined : nameOf(options.profile)
const clients = listOf(options.clients)?.map(Number)
const processes = listOf(options.processes)?.map(Number)

exitOnSignals()
if (options.help) console.log(usage)
else
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })

async function main(): Promise<void> {
  await installServer('slapd')
  await installServer('postfix')
  const sinks = new Map<PlaceName, Sink>()
  for (const [index, place] of places.entries()) {
    sinks.set(place, await Sink.start(`127.0.0.${index + 2}`))
  }
  tell('slapd: adding 100,000 entries')
  const slapd = await Slapd.start({
    entries: `${toLdif()}\n${transportsLdif((place) => sinks.get(place)?.smartHost ?? '')}`,
  })
  try {
    if (profiled) {
      const octets = Number(options.octets)
      const messages = octets > 16_384 ? 1500 : 4000
      await profile(
        profiled,
        { slapd, sinks, nodes: 0, beside: options.beside },
        { clients: 20, octets, messages },
      )
      return
    }
    const report = await measureAll(slapd, sinks)
    const text = toMarkdown(report)
    console.log(text)
    if (options.write) await write(report, text)
  } finally {
    await slapd.remove()
    for (const sink of sinks.values()) await sink.stop()
  }
}

async function measureAll(slapd: Slapd, sinks: Map<PlaceName, Sink>): Promise<Report> {
  const { quick } = options
  const rounds = quick ? 1 : Number(options.rounds)
  const starts = quick ? 1 : Number(options.starts)
  const results: Result[] = []
  for (const { nodes, contestants, cases } of plans(only ?? usual, quick)) {
    const plan = {
      contestants,
      starts,
      rounds,
      cases: cases.filter((one) => clients?.includes(one.clients) ?? true),
      // at a distance a warm-up takes most of the time, and one will do
      warmUps: quick || contestants.some(isFar) ? 1 : 4,
    }
    if (contestants.length === 0 || plan.cases.length === 0) continue
    if (processes && !processes.includes(nodes || 1)) continue
    results.push(...(await measure(plan, { slapd, sinks, nodes, beside: options.beside }, tell)))
  }
  const decisions: DecisionCost[] = []
  const contacts = quick ? [1000, 100_000] : [1000, 10_000, 100_000, 1_000_000]
  const domains = quick ? [10, 1000] : [10, 100, 1000, 10_000]
  for await (const cost of only ? [] : decisionCosts(contacts, domains)) {
    tell(`a decision with ${cost.count} ${cost.what}`)
    decisions.push(cost)
  }
  const memory = quick || only ? undefined : await measureMemory({ slapd, sinks, nodes: 0 }, tell)
  return {
    machine: describeMachine(),
    command: [
      'npm run bench',
      ...(process.argv.length > 2 ? ['--'] : []),
      ...process.argv.slice(2),
    ].join(' '),
    load: ['smtp-source', ...sourceArguments({ ...small, to: blockAddress(0) }, 25)].join(' '),
    rounds: starts * rounds,
    results,
    decisions,
    ...(memory && { memory }),
  }
}

interface Part {
  readonly nodes: number
  readonly contestants: readonly Name[]
  readonly cases: readonly Case[]
}

function isFar(name: Name): boolean {
  return (distant[name]?.distance ?? 0) > 0
}

/** What is measured together: hosts here in one process and in two, and hosts at a distance. */
function plans(wanted: readonly Name[], quick: boolean): Part[] {
  const isPostfix = (name: Name): boolean => name === names.postfix || name === names.postfixMixed
  const near = wanted.filter((name) => !isFar(name))
  const far = { nodes: 0, contestants: wanted.filter(isFar), cases: [faraway] }
  if (quick) return [{ nodes: 0, contestants: near, cases: [oneByOne, small] }, far]
  return [
    { nodes: 0, contestants: near, cases: [oneByOne, small, many, large] },
    far,
    {
      nodes: 2,
      contestants: near.filter((name) => !isPostfix(name) && !distant[name]),
      // one client waits for one process, however many there are
      cases: [small, many],
    },
  ]
}

/** `--only A,B` and `--only A --only B` are the same. */
function listOf(values: readonly string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).filter((value) => value.trim() !== '')
}

function nameOf(text: string): Name {
  const name = allNames.find((one) => shortName(one) === shortName(text))
  if (name) return name
  console.error(
    `--only, --profile: expected some of ${allNames.map(shortName).join(', ')}; got \`${text}\``,
  )
  process.exit(1)
}

/** The tables stand between two marks of the document; the rest of it is written by people. */
async function write(report: Report, text: string): Promise<void> {
  const docs = join(root, 'docs')
  // the package ships docs/, and has no use for these
  const data = join(__dirname, 'results.json')
  writeFileSync(data, `${JSON.stringify(report, undefined, 2)}\n`)
  writeFileSync(join(docs, 'performance.svg'), toSvg(report.results))
  const path = join(docs, 'performance.md')
  const document = readFileSync(path, 'utf8')
  const marks = ['<!-- results -->', '<!-- end of results -->'] as const
  const [begin, end] = marks.map((mark) => document.indexOf(mark))
  if (begin === undefined || end === undefined || begin < 0 || end < begin) {
    throw new Error(`${path}: expected ${marks.join(' and ')}`)
  }
  const [before, after] = [document.slice(0, begin + marks[0].length), document.slice(end)]
  writeFileSync(path, `${before}\n\n${text}\n${after}`)
  const prettier = join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs')
  await run(process.execPath, [prettier, '--write', path, data])
}

function tell(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
  else process.stderr.write(`${text}\n`)
}
