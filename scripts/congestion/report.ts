/** The results as Markdown: a table for each scenario, and what was aimed at. Pure. */
import type { Aim, Result } from './scenario.js'

/** One scenario, measured. */
export interface Measured {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly results: readonly Result[]
  readonly aims: readonly Aim[]
}

export interface Report {
  readonly machine: Readonly<Record<string, string>>
  readonly command: string
  readonly measured: readonly Measured[]
}

export function toMarkdown({ machine, command, measured }: Report): string {
  return `${[
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `\`${command}\`. The gateways run at the same time where they mostly wait (attack, slow host, outage), else in turn.`,
    ...measured.map(scenarioTable),
    '#### What was aimed at',
    aimTable(measured),
  ].join('\n\n')}\n`
}

/** A scenario's table alone, for who looks on. */
export function scenarioTable({ title, about, results }: Measured): string {
  const names = Object.keys(results[0]?.figures ?? {})
  const rows = results.map(({ gateway, arrived, expected, seconds, figures }) => [
    gateway,
    `${arrived} of ${expected}`,
    seconds.toFixed(2),
    ...names.map((name) => figures[name] ?? ''),
  ])
  return `#### ${title}\n\n${table(['', 'arrived', `${about}, s`, ...names], rows)}`
}

function aimTable(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ title, aims }) =>
    aims.map(({ text, reached }) => [title, text, reached ? 'yes' : '**no**']),
  )
  return table(['', 'measured; the aim', 'reached'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const under = line(head.map((_, at) => (at === 0 ? '---' : '---:')))
  return [line(head), under, ...rows.map(line)].join('\n')
}
