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
import type { Row } from './file-record.js'
import { readLines } from './text-lines.js'

interface Line {
  readonly line: number
  readonly text: string
}

/** Reads the records of an LDIF file. */
export async function* readLdif(
  text: AsyncIterable<string> | Iterable<string>,
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
    return [toRow(lines)]
  }
}

function toRow(lines: readonly Line[]): Row {
  const first = lines[0]?.line ?? 0
  let dn: string | undefined
  const attributes = new Map<string, string[]>()
  for (const { line, text } of lines) {
    const value = readValue(text)
    if ('reason' in value) return { kind: 'unreadable', line, reason: value.reason }
    const { name, content } = value
    if (dn === undefined) {
      if (name !== 'dn') return unexpected(line, '`dn: …` first', text)
      dn = content
    } else if (name === 'changetype') {
      if (content.toLowerCase() !== 'add') return unexpected(line, '`changetype: add`', text)
    } else if (name !== 'control') {
      const values = attributes.get(name)
      if (values) values.push(content)
      else attributes.set(name, [content])
    }
  }
  return { kind: 'record', line: first, dn: dn ?? '', attributes }
}

function unexpected(line: number, expected: string, text: string): Row {
  return { kind: 'unreadable', line, reason: `expected ${expected}, got \`${text.slice(0, 200)}\`` }
}

const valueLine = /^([a-z0-9.-]+(?:;[a-z0-9=*-]+)*):([:<]?) *(.*)$/isu
const base64 = /^(?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?$/iu

function readValue(text: string): { name: string; content: string } | { reason: string } {
  const [, written, form, value] = valueLine.exec(text) ?? []
  if (written === undefined || value === undefined) {
    return { reason: `expected \`name: value\`, got \`${text.slice(0, 200)}\`` }
  }
  const name = written.toLowerCase()
  if (form === '<') return { reason: `${written}: expected the value itself, got a URL` }
  if (form !== ':') return { name, content: value }
  const octets = value.trimEnd()
  if (!base64.test(octets)) return { reason: `${written}: expected base64, got \`${value}\`` }
  return { name, content: Buffer.from(octets, 'base64').toString() }
}
