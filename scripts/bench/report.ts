/** The results as Markdown: tables, ratios, and what was aimed at. Pure. */
import { names, type Name } from './contestants.js'
import type { DecisionCost } from './decisions.js'
import type { Machine } from './machine.js'
import type { MemoryUse } from './memory.js'
import { targets, type Target } from './targets.js'
import type { Result } from './throughput.js'

export interface Report {
  readonly machine: Machine
  readonly command: string
  /** `smtp-source` as it was called */
  readonly load: string
  readonly rounds: number
  readonly results: readonly Result[]
  readonly decisions: readonly DecisionCost[]
  readonly memory?: MemoryUse
}

export function toMarkdown(report: Report): string {
  const { machine, command, load, rounds, results, decisions, memory } = report
  const parts = [
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `\`${command}\`: medians of ${rounds} rounds in turn. Load: \`${load}\`, one connection a message; log level \`notice\`, to a file.`,
    '### What was aimed at',
    targetTable(targets(report)),
    ...cases(results).map((one) => caseTable(results, one)),
  ]
  const oneByOne = results.filter(({ latency }) => latency !== undefined)
  if (oneByOne.length > 0) parts.push(latencyTable(oneByOne))
  if (decisions.length > 0) parts.push(decisionTable(decisions))
  if (memory) parts.push(memoryTable(memory))
  return `${parts.join('\n\n')}\n`
}

function targetTable(list: readonly Target[]): string {
  const rows = list.flatMap(({ text, measured, expected, most = false, unit }) => {
    if (measured === undefined) return []
    const reached = most ? measured <= expected : measured >= expected
    const aim = `${most ? 'at most' : 'at least'} ${expected}${unit}`
    return [[text, `${measured.toFixed(2)}${unit}`, aim, reached ? 'yes' : '**no**']]
  })
  return table(['', 'measured', 'aim', 'reached'], rows)
}

type CaseKey = Pick<Result, 'nodes' | 'clients' | 'octets'>

function cases(results: readonly Result[]): CaseKey[] {
  const seen = new Map(
    results
      .filter(({ latency }) => latency === undefined)
      .map(({ nodes, clients, octets }) => [
        `${nodes} ${octets} ${clients}`,
        { nodes, clients, octets },
      ]),
  )
  return [...seen.values()]
}

function caseTable(results: readonly Result[], { nodes, clients, octets }: CaseKey): string {
  const rows = results.filter(
    (one) => one.nodes === nodes && one.clients === clients && one.octets === octets,
  )
  const rateOf = (name: Name): number => rows.find((one) => one.name === name)?.rate ?? Number.NaN
  const title = `### ${octets / 1024} KB, ${clients} clients, ${nodes > 0 ? `nodes=${nodes}` : 'one process'}`
  return `${title}\n\n${table(
    ['', 'messages/s', 'of the limit', `of ${names.forward}`, 'CPU ms', 'MiB', 'rounds within'],
    rows.map(({ name, rate, processor, memory, spread }) => [
      name,
      rate.toFixed(0),
      ratioText(rate / rateOf(names.limit)),
      ratioText(rate / rateOf(names.forward)),
      processor.toFixed(2),
      memory.toFixed(0),
      `${(spread * 100).toFixed(0)} %`,
    ]),
  )}`
}

function ratioText(ratio: number): string {
  return Number.isNaN(ratio) ? '' : ratio.toFixed(2)
}

function latencyTable(results: readonly Result[]): string {
  const rows = results.map(({ name, octets, latency = 0, processor }) => [
    name,
    `${octets / 1024} KB`,
    latency.toFixed(2),
    processor.toFixed(2),
  ])
  const header = ['', 'message', 'ms a message', 'CPU ms']
  return `### One client, one message after the other\n\n${table(header, rows)}`
}

function decisionTable(decisions: readonly DecisionCost[]): string {
  const rows = decisions.map(({ what, count, file, cache }) => [
    `${count.toLocaleString('en')} ${what}`,
    file.toFixed(1),
    cache.toFixed(1),
  ])
  return `### One decision, in microseconds\n\n${table(['', 'from a file', 'from the cache'], rows)}`
}

function memoryTable({ million, before, after }: MemoryUse): string {
  const use = ({ heap, external, resident }: MemoryUse['before']): string[] =>
    [heap, external, resident].map((value) => value.toFixed(1))
  const header = ['MiB', 'heap', 'outside the heap', 'resident']
  return `### Memory

A million contacts from CSVDE: ${million.now.toFixed(0)} MiB resident, ${million.peak.toFixed(0)} MiB at most while they are loaded.

${table(header, [
  ['after 10,000 messages, and a garbage collection', ...use(before)],
  ['after 10,000 more, and another', ...use(after)],
])}`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = header.map((_, index) => (index === 0 ? '---' : '--:'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
