/**
 * `npm run congestion`: the pack beside Postfix before hosts that are slow, full, strict, away or far.
 * What it can be told stands in `usage`, which `--help` prints.
 *
 * In each scenario all gateways have hosts that behave alike, and run at the same time or in turn.
 * However it ends, by a signal or a failure too, no process and no folder of it stays.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { describeMachine } from '../bench/machine.js'
import { buildIfStale, root } from '../build.js'
import { exitOnSignals } from '../servers/at-exit.js'
import { pick } from '../pick.js'
import { installServer } from '../servers/debian.js'
import { run } from '../servers/process.js'
import { toSvg } from './chart.js'
import { gatewayNames } from './gateways.js'
import { scenarioTable, toMarkdown, type Measured, type Report } from './report.js'
import { scenarios } from './scenarios.js'

const usage = `npm run congestion -- [options]

  --only A,B      these scenarios only
  --gateways A,B  these gateways only: pack, pack2 (two processes), postfix
  --seconds N     how long the attack, the stream beside the slow host and the outage go on
  --messages N    how many messages the clients send in the other scenarios
  --note TEXT     stands beside the machine in the report, such as what else it did
  --write         puts the results into docs/: congestion.svg and the tables of performance.md
  --help          prints this

Scenarios: ${scenarios.map(({ name }) => name).join(', ')}.

Postfix is installed where it may be (root on Debian). Traffic goes to loopback only. The whole run takes
ten to fifteen minutes; let the machine do nothing else.`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    gateways: { type: 'string', multiple: true },
    seconds: { type: 'string' },
    messages: { type: 'string' },
    note: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

exitOnSignals()
if (options.help) console.log(usage)
else
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    // what is still open, such as a host that somebody talks to, must not keep it
    process.exit(1)
  })

async function main(): Promise<void> {
  const chosen = pick('--only', options.only, scenarios, ({ name }) => name)
  const gateways = pick('--gateways', options.gateways, gatewayNames, shortName)
  const seconds = wholeNumber('--seconds', options.seconds)
  const messages = wholeNumber('--messages', options.messages)
  if (gateways.includes('Postfix')) await installServer('postfix')
  await buildIfStale()
  const measured: Measured[] = []
  for (const scenario of chosen) {
    const { name, title, about } = scenario
    tell(`${name}: ${title}`)
    const results = await scenario.run({ gateways, seconds, messages, tell })
    const one = { name, title, about, results, aims: scenario.aims(results) }
    measured.push(one)
    console.log(`\n${scenarioTable(one)}\n`)
    for (const { text, reached } of one.aims) console.log(`${reached ? 'yes' : 'NO '}  ${text}`)
  }
  const machine = { ...describeMachine(), ...(options.note && { note: options.note }) }
  const report: Report = { machine, command: command(), measured }
  if (options.write) await write(report)
  process.exit(0)
}

function command(): string {
  const words = process.argv.slice(2).filter((word, at, all) => {
    return word !== '--note' && all[at - 1] !== '--note'
  })
  return ['npm run congestion', ...(words.length > 0 ? ['--', ...words] : [])].join(' ')
}

function shortName(name: string): string {
  return name.toLowerCase().replaceAll(/nodes=|\W+/gu, '')
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,5}$/u.test(text)) {
    throw new Error(`${option}: expected a whole number from 1 up, got \`${text}\``)
  }
  return Number(text)
}

/** The tables stand between two marks of the document; the rest of it is written by people. */
async function write(report: Report): Promise<void> {
  const docs = join(root, 'docs')
  const data = join(__dirname, 'results.json')
  writeFileSync(data, `${JSON.stringify(report, undefined, 2)}\n`)
  writeFileSync(join(docs, 'congestion.svg'), toSvg(report.measured))
  const path = join(docs, 'performance.md')
  const document = readFileSync(path, 'utf8')
  const marks = ['<!-- congestion -->', '<!-- end of congestion -->'] as const
  const [begin, end] = marks.map((mark) => document.indexOf(mark))
  if (begin === undefined || end === undefined || begin < 0 || end < begin) {
    throw new Error(`${path}: expected ${marks.join(' and ')}`)
  }
  const [before, after] = [document.slice(0, begin + marks[0].length), document.slice(end)]
  writeFileSync(path, `${before}\n\n${toMarkdown(report)}\n${after}`)
  const prettier = join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs')
  await run(process.execPath, [prettier, '--write', path, data])
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
