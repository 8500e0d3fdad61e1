/** A table without lines: heads, then rows; the last column takes what is left of the terminal. */
import Table from 'cli-table3'
import { createColors } from 'picocolors'

import type { TerminalStyle } from '../terminal.js'

const leastRest = 20

/** `right`: columns of numbers. Cells are one line each; the last one is cut to fit a terminal. */
export function plainTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { width, colours }: TerminalStyle,
  right: readonly number[] = [],
): string {
  const { bold } = createColors(colours)
  const last = heads.length - 1
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0)
  const rest = Math.max(leastRest, width - before - 1)
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    colAligns: heads.map((_, column) => (right.includes(column) ? 'right' : 'left')),
  })
  table.push(heads.map((head) => bold(head)))
  for (const row of rows) {
    table.push(row.map((cell, column) => (column === last ? cut(cell, rest) : cell)))
  }
  return table.toString().replace(/ +$/gmu, '')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

const noLines = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid']
    .flatMap((place) => [place, `${place}-mid`, `${place}-left`, `${place}-right`])
    .concat('middle')
    .map((place) => [place, '']),
)
