/**
 * LDIF as ldifde and ldapsearch write it: records of `name: value` lines, an empty line between two.
 *
 * Folded lines, comments, base64 values (`name:: …`), a version line and `changetype: add` are read.
 * A record that changes or deletes something, and a value that is a URL (`name:< …`), are told with
 * their line as unreadable; the other records load. Text that has no record at all is no LDIF file:
 * an Error.
 *
 * RFC 2849. The packages for LDIF are unkept or load whole files; this one reads as a stream.
 */
import type { Row, StrictNames } from './file-record.js'
import { readLines } from './text-lines.js'

interface Line {
  readonly line: number
  readonly text: string
}

/** Reads the records of an LDIF file. */
export async function* readLdif(
  text: AsyncIterable<string> | Iterable<string>,
  strict?: StrictNames,
): AsyncGenerator<readonly Row[]> {
  let line = 0
  let record: Line[] = []
  let folded: { line: number; parts: string[] } | undefined
  let started = false

  for await (const lines of readLines(text)) {
    const rows: Row[] = []
    for (const next of lines) {
      line += 1
      if (next.startsWith(' ') && folded) folded.parts.push(next.slice(1))
      else {
        unfold()
        if (next !== '') folded = { line, parts: [next] }
        else rows.push(...finish())
      }
    }
    yield rows
  }
  unfold()
  yield finish()
  if (!started) throw new Error('expected `version: 1` or `dn: …`, got nothing')

  /** A line is whole when the next one does not continue it. */
  function unfold(): void {
    const whole = folded?.parts.join('')
    if (folded && whole?.startsWith('#') === false) record.push({ line: folded.line, text: whole })
    folded = undefined
  }

  function finish(): Row[] {
    const lines = record
    record = []
    if (!started && /^version:/iu.test(lines[0]?.text ?? '')) {
      started = true
      lines.shift()
    }
    if (lines.length === 0) return []
    started = true
    return [toRow(lines, strict)]
  }
}

function toRow(lines: readonly Line[], strict: StrictNames): Row {
  const first = lines[0]?.line ?? 0
  let dn: string | undefined
  const attributes = new Map<string, string[]>()
  for (const { line, text } of lines) {
    if (hasSwallowed(text, strict)) return unexpected(lines, line, 'octets that can be read', text)
    const value = readValue(text)
    if ('reason' in value) {
      if (strict && value.name !== undefined && !strict.has(value.name)) continue
      return unreadable(lines, line, value.reason)
    }
    const { name, content } = value
    if (dn === undefined) {
      if (name !== 'dn') return unexpected(lines, line, '`dn: …` first', text)
      dn = content
    } else if (name === 'dn') {
      return unexpected(lines, line, 'an empty line before the next `dn: …`', text)
    } else if (name === 'changetype') {
      if (content.toLowerCase() !== 'add') {
        return unexpected(lines, line, '`changetype: add`', text)
      }
    } else if (name !== 'control') {
      const values = attributes.get(name)
      if (values) values.push(content)
      else attributes.set(name, [content])
    }
  }
  return { kind: 'record', line: first, dn: dn ?? '', attributes }
}

/** Where the lost octet was a line end, the next line's attribute stands in this one's value. */
function hasSwallowed(text: string, strict: StrictNames): boolean {
  return [...text.matchAll(/\ufffd([a-z0-9.-]+)(?:;[a-z0-9=*;-]+)?:/giu)].some(
    ([, name = '']) => !strict || strict.has(name.toLowerCase()),
  )
}

/** A value that cannot be read may have been any address; base64 hides what stands in it. */
function unreadable(lines: readonly Line[], line: number, reason: string): Row {
  const text = lines.map(({ text: one }) => decoded(one)).join('\n')
  return { kind: 'unreadable', line, reason, text, incomplete: true }
}

function unexpected(lines: readonly Line[], line: number, expected: string, text: string): Row {
  return unreadable(lines, line, `expected ${expected}, got \`${text.slice(0, 200)}\``)
}

function decoded(text: string): string {
  const value = readValue(text)
  return 'content' in value ? value.content : text
}

const valueLine = /^([a-z0-9.-]+(?:;[a-z0-9=*-]+)*):([:<]?) *(.*)$/isu
const base64 = /^(?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?$/iu

type ReadLine =
  | { readonly name: string; readonly content: string }
  /** `name`: of the attribute, if that could be read */
  | { readonly reason: string; readonly name?: string }

function readValue(text: string): ReadLine {
  const [, written, form, value] = valueLine.exec(text) ?? []
  if (written === undefined || value === undefined) {
    return { reason: `expected \`name: value\`, got \`${text.slice(0, 200)}\`` }
  }
  const name = written.toLowerCase()
  if (form === '<') return { name, reason: `${written}: expected the value itself, got a URL` }
  if (form !== ':') return { name, content: value }
  const octets = value.trimEnd()
  if (!base64.test(octets)) {
    return { name, reason: `${written}: expected base64, got \`${value}\`` }
  }
  return { name, content: Buffer.from(octets, 'base64').toString() }
}
