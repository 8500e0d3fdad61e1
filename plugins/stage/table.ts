/**
 * The table of the staged MX, printed piece by piece as the messages arrive: a heading for each
 * message, a line for each recipient. Texts that do not fit their column are wrapped.
 */
import Table from 'cli-table3'
import { createColors } from 'picocolors'

import type { Row, Section } from './send-sample.js'

export interface TableStyle {
  /** columns of the terminal */
  readonly width: number
  readonly colours: boolean
}

const heads = ['', 'recipient', 'expected', 'what happened', 'where it went', 'why']
/** columns of all but the last, which takes the rest */
const widths = [2, 24, 23, 19, 19]
const leastRest = 30

export function formatHead(style: TableStyle): string {
  const { bold } = createColors(style.colours)
  return format(
    style,
    heads.map((head) => bold(head)),
  )
}

export function formatSection({ title, rows }: Section, style: TableStyle): string {
  const { bold } = createColors(style.colours)
  const lines = rows.map((row) => format(style, cells(row, style.colours)))
  return [bold(title), ...lines].join('\n')
}

function cells(row: Row, colours: boolean): string[] {
  const { dim, green, red } = createColors(colours)
  const right = row.asExpected ?? true
  const mark = right ? green : red
  return [
    row.asExpected === undefined ? '·' : mark(right ? '✓' : '✗'),
    row.recipient,
    row.expected,
    mark(row.happened),
    row.wentTo,
    dim(row.why),
  ]
}

function format({ width }: TableStyle, line: string[]): string {
  const rest = width - widths.reduce((sum, one) => sum + one, 0)
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    colWidths: [...widths, Math.max(rest, leastRest)],
    wordWrap: true,
  })
  table.push(line)
  return table.toString().replace(/ +$/gmu, '')
}

const places = ['top', 'bottom', 'left', 'right', 'mid'] as const
const noLines = {
  ...Object.fromEntries(
    places
      .flatMap((place) => [place, `${place}-mid`, `${place}-left`, `${place}-right`])
      .map((place) => [place, '']),
  ),
  middle: '',
}
