/**
 * Findings as people read them: a table on a terminal; elsewhere lines that grep finds whole. The
 * last line says how many are wrong.
 */
import Table from 'cli-table3'
import { createColors } from 'picocolors'

import type { TerminalStyle } from '../terminal.js'
import type { Finding } from '../../operations/finding.js'

const marks = { wrong: '✗', note: '!', good: '✓' } as const
const markWidth = 2
const whereShare = 0.28
const leastWidth = 60

/** `table`: for a terminal. */
export function formatFindings(
  findings: readonly Finding[],
  style: TerminalStyle & { readonly table: boolean },
): string {
  const lines = findings.map((finding) => (style.table ? row(finding, style) : plain(finding)))
  return [...lines, '', summary(findings, style.colours)].join('\n')
}

function plain({ kind, where, what, why, todo }: Finding): string {
  const lines = [`${marks[kind]} ${where}: ${what}`]
  if (why !== undefined) lines.push(`    why: ${why}`)
  if (todo !== undefined) lines.push(`    do:  ${todo}`)
  return lines.join('\n')
}

function row({ kind, where, what, why, todo }: Finding, style: TerminalStyle): string {
  const { bold, dim, green, red, yellow } = createColors(style.colours)
  const colour = { wrong: red, note: yellow, good: green }[kind]
  const rest = Math.max(style.width, leastWidth) - markWidth
  const whereWidth = Math.floor(rest * whereShare)
  const table = new Table({
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    colWidths: [markWidth, whereWidth, rest - whereWidth],
    wordWrap: true,
  })
  const says = [
    what,
    ...(why === undefined ? [] : [dim(why)]),
    ...(todo === undefined ? [] : [`→ ${todo}`]),
  ]
  table.push([colour(marks[kind]), bold(where), says.join('\n')])
  return table.toString().replace(/ +$/gmu, '')
}

function summary(findings: readonly Finding[], colours: boolean): string {
  const { green, red } = createColors(colours)
  const count = (kind: Finding['kind']): number =>
    findings.filter((one) => one.kind === kind).length
  const notes = count('note')
  const beside = notes === 0 ? '' : `, ${notes} to look at`
  return count('wrong') === 0
    ? green(`Nothing is wrong${beside}.`)
    : red(`${count('wrong')} wrong${beside}.`)
}

const noLines = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid']
    .flatMap((place) => [place, `${place}-mid`, `${place}-left`, `${place}-right`])
    .concat('middle')
    .map((place) => [place, '']),
)
