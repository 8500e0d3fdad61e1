/**
 * A text file of values, told apart by its header: CSVDE, Exchange's or Google's export, a plain table,
 * a list of addresses (table-columns.ts). Lines above the header that programs write, `sep=;` and
 * `#TYPE …`, are read over; the delimiter is what `sep=` says, or what the header has most of.
 *
 * A file that has neither a known header nor an address in its first line is no such file: an Error.
 */
import { readCsvde } from '../csvde.js'
import type { Row, StrictNames } from '../file-record.js'
import { columnName, kindOf, rowMaker, type RowMaker } from './table-columns.js'
import {
  fieldsOf,
  tableLines,
  tableRecords,
  type Delimiter,
  type TextLine,
} from './table-records.js'

const delimiters: readonly Delimiter[] = [',', ';', '\t']

/** Reads the rows of a table. */
export async function* readTable(
  text: AsyncIterable<string> | Iterable<string>,
  strict?: StrictNames,
): AsyncGenerator<readonly Row[]> {
  const lines = tableLines(text)
  const begin = await beginOf(lines)
  // which column it is nobody can tell, and its addresses would be nobody's
  const lost = begin.header.find((name) => name.includes('\ufffd'))
  if (lost !== undefined) {
    throw new Error(
      `expected a header line that can be read, got octets that are lost in \`${lost}\``,
    )
  }
  const rest = joined(begin.lines, lines)
  if (isCsvde(begin.header)) {
    const faults: Row[] = []
    const commas = begin.delimiter === ',' ? rest : withCommas(rest, begin.delimiter, faults)
    for await (const rows of readCsvde(asText(commas), strict)) yield [...faults.splice(0), ...rows]
    return
  }
  const kind = kindOf(begin.header)
  if (!kind) {
    throw new Error(
      `expected a header line with proxyAddresses, mail, EmailAddresses, Email Address or address, or an address, got \`${begin.header.join(begin.delimiter).slice(0, 200)}\``,
    )
  }
  let make: RowMaker | undefined = kind === 'list' ? rowMaker(kind, []) : undefined
  for await (const records of tableRecords(rest, begin.delimiter)) {
    const rows: Row[] = []
    for (const record of records) {
      if ('reason' in record) {
        if (!make) throw new Error(`header: ${record.reason}`)
        rows.push(record)
      } else if (make) rows.push(...[make(record) ?? []].flat())
      else make = rowMaker(kind, record.fields)
    }
    yield rows
  }
}

interface Begin {
  readonly header: readonly string[]
  readonly delimiter: Delimiter
  /** the header's line and those that came with it; what stands above is empty, so that lines count */
  readonly lines: readonly TextLine[]
}

async function beginOf(lines: AsyncGenerator<TextLine[]>): Promise<Begin> {
  let told: Delimiter | undefined
  for (;;) {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('expected a header line or an address, got nothing')
    for (const [index, { text }] of value.entries()) {
      const sep = /^"?sep=(.)"?$/iu.exec(text.trim())?.[1]
      if (sep !== undefined || /^sep=\t$/iu.test(text)) {
        told = delimiters.find((one) => one === (sep ?? '\t'))
        continue
      }
      if (/^"?#/u.test(text) || text.trim() === '') continue
      const delimiter = told ?? mostUsed(text)
      return { header: headerOf(text, delimiter), delimiter, lines: value.slice(index) }
    }
  }
}

function headerOf(text: string, delimiter: Delimiter): readonly string[] {
  try {
    return fieldsOf(text, delimiter)[0] ?? []
  } catch {
    return text.split(delimiter)
  }
}

function mostUsed(text: string): Delimiter {
  const outside = text.replace(/"[^"]*"/gu, '')
  const count = (one: Delimiter): number => outside.split(one).length
  return delimiters.reduce((best, one) => (count(one) > count(best) ? one : best))
}

function isCsvde(header: readonly string[]): boolean {
  const names = header.map(columnName)
  return names.includes('proxyaddresses') || names.includes('mail')
}

async function* joined(
  first: readonly TextLine[],
  rest: AsyncGenerator<TextLine[]>,
): AsyncGenerator<readonly TextLine[]> {
  yield first
  yield* rest
}

/** With an empty line for each that is missing, so that lines are told as they are in the file. */
async function* asText(lines: AsyncIterable<readonly TextLine[]>): AsyncGenerator<string> {
  let written = 0
  for await (const some of lines) {
    let text = ''
    for (const { line, text: one } of some) {
      text += `${'\n'.repeat(line - written - 1)}${one}\n`
      written = line
    }
    yield text
  }
}

/** What cannot be read is put into `faults`. */
async function* withCommas(
  lines: AsyncIterable<readonly TextLine[]>,
  delimiter: Delimiter,
  faults: Row[],
): AsyncGenerator<readonly TextLine[]> {
  for await (const records of tableRecords(lines, delimiter)) {
    yield records.flatMap((record): TextLine[] => {
      if ('reason' in record) {
        faults.push(record)
        return []
      }
      const quoted = record.fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')
      return quoted.split('\n').map((text, index) => ({ line: record.line + index, text }))
    })
  }
}
