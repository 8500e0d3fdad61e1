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
  let header: readonly string[] | undefined
  for await (const written of readRecords(text)) {
    const rows: Row[] = []
    for (const read of splitFields(written)) {
      if ('kind' in read) {
        if (header === undefined) throw new Error(`header: ${read.reason}`)
        rows.push(read)
      } else if (header === undefined) header = checkHeader(read.fields)
      else rows.push(toRow(header, read, strict))
    }
    yield rows
  }
  if (header === undefined)
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

/** `strict`: the attributes that decide; of the others a value that cannot be read is left out. */
function toRow(header: readonly string[], record: Fields, strict: StrictNames): Row {
  const { line, fields } = record
  if (fields.length !== header.length) {
    const reason = `expected ${header.length} fields as in the header, got ${fields.length}`
    return unreadable(record, reason, fields.length < header.length)
  }
  let dn = ''
  const attributes = new Map<string, readonly string[]>()
  for (const [index, name] of header.entries()) {
    const field = fields[index] ?? ''
    if (field === '') continue
    // the name is one value, whatever signs it has
    const isName = name === 'dn' || name === 'distinguishedname'
    const values = isName ? readValues([field]) : splitValues(field)
    if (isName) dn ||= values?.[0] ?? ''
    if (values === undefined) {
      if (strict && !strict.has(name)) continue
      return unreadable(record, `${name}: expected hex octets in \`${field}\``, true)
    }
    if (!isName) attributes.set(name, [...(attributes.get(name) ?? []), ...values])
  }
  return { kind: 'record', line, dn, attributes }
}

/** The values in a field; `undefined` if one begins as hex and is none. */
function splitValues(field: string): string[] | undefined {
  const parts = field.includes(';') ? field.split(/(?<!\\);/u) : [field]
  return readValues(parts)?.map((value) => value.replaceAll('\\;', ';'))
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
