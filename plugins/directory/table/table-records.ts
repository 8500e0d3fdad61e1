/**
 * A table as Excel and other programs write it, record by record: fields between commas, semicolons or
 * tabs, quoted where they must be; lines end in CR, LF or both.
 *
 * A record that cannot be read is told with its line, and costs no other one: behind a quote that is
 * not closed the lines are read anew. RFC 4180.
 */
import { errorText } from '../../basics/error-text.js'
import { parse } from 'csv-parse/sync'

import type { UnreadableRow } from '../file-record.js'
import { readLines } from '../text-lines.js'

export interface TableRecord {
  readonly line: number
  readonly fields: readonly string[]
}

export interface TextLine {
  /** of the file, from 1 */
  readonly line: number
  readonly text: string
}

export type Delimiter = ',' | ';' | '\t'

// a quoted value may hold line ends; more lines are a quote that is not closed
const longestRecord = 100

/** The lines of a chunk together, whatever ends them. */
export async function* tableLines(
  text: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<TextLine[]> {
  let line = 0
  for await (const some of readLines(withLineFeeds(text))) {
    yield some.map((one) => ({ line: (line += 1), text: one }))
  }
}

async function* withLineFeeds(
  text: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  let carried = ''
  for await (const chunk of text) {
    const whole = carried + chunk
    // the line feed of a CR may come with the next chunk
    carried = whole.endsWith('\r') ? '\r' : ''
    yield whole.slice(0, whole.length - carried.length).replace(/\r\n?/gu, '\n')
  }
  if (carried !== '') yield '\n'
}

/** The records of lines; empty lines are none. */
export async function* tableRecords(
  lines: AsyncIterable<readonly TextLine[]>,
  delimiter: Delimiter,
): AsyncGenerator<(TableRecord | UnreadableRow)[]> {
  let whole: (TextLine | UnreadableRow)[] = []
  let open: TextLine[] = []
  for await (const some of lines) {
    for (const next of some) add(next)
    yield split(whole, delimiter)
    whole = []
  }
  while (open.length > 0) giveUp()
  yield split(whole, delimiter)

  function add(next: TextLine): void {
    if (open.length === 0 && next.text.trim() === '') return
    open.push(next)
    if (hasOddQuotes(next.text) === (open.length === 1)) {
      if (open.length > longestRecord) giveUp()
      return
    }
    whole.push({ line: open[0]?.line ?? 0, text: open.map(({ text }) => text).join('\n') })
    open = []
  }

  /** The first line's quote is not closed: the lines behind it are read anew. */
  function giveUp(): void {
    const [first, ...behind] = open
    const reason = `expected a quote at the end of the value, got none: \`${first?.text.slice(0, 200) ?? ''}\``
    const text = first?.text ?? ''
    if (first) whole.push({ kind: 'unreadable', line: first.line, reason, text, incomplete: false })
    open = []
    behind.forEach(add)
  }
}

function hasOddQuotes(text: string): boolean {
  return text.split('"').length % 2 === 0
}

/** All at once, as that is quick; one by one if something is wrong, to tell which. */
function split(
  written: readonly (TextLine | UnreadableRow)[],
  delimiter: Delimiter,
): (TableRecord | UnreadableRow)[] {
  const good = written.filter((one) => 'text' in one)
  if (good.length === written.length) {
    try {
      const all = fieldsOf(good.map(({ text }) => text).join('\n'), delimiter)
      if (all.length === good.length) {
        return good.map(({ line }, index) => ({ line, fields: all[index] ?? [] }))
      }
    } catch {
      // told below, with its line
    }
  }
  return written.map((one) => {
    if (!('text' in one)) return one
    const { line, text } = one
    try {
      const [fields = [], second] = fieldsOf(text, delimiter)
      if (second === undefined) return { line, fields }
      throw new Error('expected one record')
    } catch (error) {
      const reason = errorText(error).replace(/,? at line 1\b/gu, '')
      return {
        kind: 'unreadable',
        line,
        reason: `${reason}: \`${text.slice(0, 200)}\``,
        text,
        incomplete: false,
      }
    }
  })
}

export function fieldsOf(text: string, delimiter: Delimiter): string[][] {
  return parse(text, { delimiter, record_delimiter: '\n', relax_column_count: true })
}
