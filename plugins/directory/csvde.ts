/**
 * CSVDE as Windows writes and reads it: a header line of attribute names in any order and case,
 * then an object a line. Several values of an attribute stand in one field, separated by `;` with
 * or without blanks; `\;` is a `;` of a value, `X'…'` a value in hex octets.
 *
 * A row that cannot be read is told with its line, and the others load: a quote that is never closed
 * costs its own line only. A file without a usable header is no CSVDE file: an Error.
 *
 * RFC 4180 (fields), the article's "csvde -i -f" step.
 */
import { errorText } from '../basics/error-text.js'
import { parse } from 'csv-parse/sync'

import type { Row, StrictNames, UnreadableRow } from './file-record.js'
import { readLines } from './text-lines.js'

interface Written {
  readonly line: number
  readonly text: string
}

interface Fields extends Written {
  readonly fields: readonly string[]
}

// a quoted value may hold line ends (Excel writes such); more lines are a quote that is not closed
const longestRecord = 100

/** Reads the rows of a CSVDE file. */
export async function* readCsvde(
  text: AsyncIterable<string> | Iterable<string>,
  strict?: StrictNames,
): AsyncGenerator<readonly Row[]> {
  let columns: Columns | undefined
  for await (const written of readRecords(text)) {
    const rows: Row[] = []
    for (const read of splitFields(written)) {
      if ('kind' in read) {
        if (columns === undefined) throw new Error(`header: ${read.reason}`)
        rows.push(read)
      } else if (columns === undefined) columns = columnsOf(checkHeader(read.fields), strict)
      else rows.push(toRow(columns, read))
    }
    yield rows
  }
  if (columns === undefined)
    throw new Error('expected a header line of attribute names, got nothing')
}

/** Puts lines together to records, by their quotes; empty lines are none. */
async function* readRecords(
  text: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<(Written | UnreadableRow)[]> {
  let records: (Written | UnreadableRow)[] = []
  let open: Written[] = []
  let columns: number | undefined
  let line = 0

  for await (const lines of readLines(text)) {
    for (const next of lines) add({ line: (line += 1), text: next })
    yield records
    records = []
  }
  while (open.length > 0) giveUp()
  yield records

  function add(next: Written): void {
    if (open.length === 0 && next.text.trim() === '') return
    open.push(next)
    if (hasOddQuotes(next.text) === (open.length === 1)) {
      if (open.length > longestRecord) giveUp()
      return
    }
    const record = { line: open[0]?.line ?? 0, text: open.map((part) => part.text).join('\n') }
    columns ??= fieldsOf(record.text)?.length
    // two stray quotes make a record of all lines between them: that is none
    if (open.length > 1 && fieldsOf(record.text)?.length !== columns) {
      giveUp()
      return
    }
    records.push(record)
    open = []
  }

  /** The first line's quote is not closed: it is unreadable, the lines behind it are read anew. */
  function giveUp(): void {
    const [first, ...behind] = open
    const reason = 'expected a quote at the end of the value, got none'
    // the lines behind are read anew, so nothing of this one is missing
    if (first) records.push(unreadable(first, reason))
    open = []
    behind.forEach(add)
  }
}

function hasOddQuotes(text: string): boolean {
  let odd = false
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) odd = !odd
  return odd
}

/** All records at once, as that is quick; one by one if something is wrong, to tell which. */
function splitFields(written: readonly (Written | UnreadableRow)[]): (Fields | UnreadableRow)[] {
  const good = written.filter((record): record is Written => !('kind' in record))
  if (good.length === written.length) {
    try {
      const records = parseCsv(good.map(({ text }) => text).join('\n'))
      if (records.length === good.length) {
        return good.map((record, index) => ({ ...record, fields: records[index] ?? [] }))
      }
    } catch {
      // told below, with its line
    }
  }
  return written.map((record) => {
    if ('kind' in record) return record
    const { line, text } = record
    try {
      return { line, text, fields: parseCsv(text)[0] ?? [] }
    } catch (error) {
      const reason = errorText(error)
      return unreadable(record, reason.replace(/,? at line 1\b/gu, ''))
    }
  })
}

function fieldsOf(record: string): readonly string[] | undefined {
  try {
    return parseCsv(record)[0]
  } catch {
    return undefined
  }
}

function parseCsv(text: string): string[][] {
  return parse(text, { record_delimiter: '\n', relax_column_count: true })
}

function checkHeader(fields: readonly string[]): string[] {
  const names = fields.map((name) => name.trim().toLowerCase())
  if (!names.includes('proxyaddresses') && !names.includes('mail')) {
    throw new Error(
      `expected a header line with proxyAddresses or mail, got \`${fields.join(',').slice(0, 200)}\``,
    )
  }
  return names
}

function unreadable({ line, text }: Written, reason: string, incomplete = false): UnreadableRow {
  return { kind: 'unreadable', line, reason, text, incomplete }
}

interface Column {
  readonly index: number
  readonly name: string
  /** one value, whatever signs it has */
  readonly isDn: boolean
  /** a value that cannot be read costs the row */
  readonly decides: boolean
}

/** Those that are read, of all that a row has to have. */
interface Columns {
  readonly count: number
  readonly read: readonly Column[]
}

/** `strict`: the attributes that decide; the others are not looked at, so nothing in them is wrong. */
function columnsOf(header: readonly string[], strict: StrictNames): Columns {
  const all = header.map((name, index): Column => {
    const isDn = name === 'dn' || name === 'distinguishedname'
    return { index, name, isDn, decides: !strict || strict.has(name) }
  })
  return {
    count: header.length,
    read: all.filter(({ isDn, decides }) => isDn || decides),
  }
}

function toRow(columns: Columns, record: Fields): Row {
  const { line, fields } = record
  if (fields.length !== columns.count) {
    const reason = `expected ${columns.count} fields as in the header, got ${fields.length}`
    return unreadable(record, reason, fields.length < columns.count)
  }
  let dn = ''
  const attributes = new Map<string, readonly string[]>()
  for (const { index, name, isDn, decides } of columns.read) {
    const field = fields[index] ?? ''
    if (field === '') continue
    const values = isDn ? readValues([field]) : splitValues(field)
    if (values === undefined) {
      if (!decides) continue
      return unreadable(record, `${name}: expected hex octets in \`${field}\``, true)
    }
    if (isDn) dn ||= values[0] ?? ''
    else {
      const before = attributes.get(name)
      attributes.set(name, before ? [...before, ...values] : values)
    }
  }
  return { kind: 'record', line, dn, attributes }
}

/** The values in a field; `undefined` if one begins as hex and is none. */
function splitValues(field: string): string[] | undefined {
  const parts = field.includes(';') ? field.split(/(?<!\\);/u) : [field]
  const values = readValues(parts)
  return field.includes('\\;') ? values?.map((value) => value.replaceAll('\\;', ';')) : values
}

function readValues(parts: readonly string[]): string[] | undefined {
  const values: string[] = []
  for (const part of parts) {
    const value = part.trim()
    if (/^x'/iu.test(value)) {
      const hex = /^x'((?:[0-9a-f]{2})*)'$/iu.exec(value)?.[1]
      if (hex === undefined) return undefined
      values.push(Buffer.from(hex, 'hex').toString())
    } else if (value !== '') values.push(value)
  }
  return values
}
