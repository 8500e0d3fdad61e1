/**
 * Gives the fields of Haraka's header list their own octets back. Pure.
 *
 * Haraka parses the first `parsed` lines of the raw header into strings and lets plugins add and
 * remove fields. A field that is still there is found by its string and written with its octets; one
 * that is not found was added and is written as it stands. Header lines that Haraka did not parse
 * follow the last field that it did. A message without an empty line has its body where Haraka saw
 * no more header; its octets are the body then.
 */
export interface Restored {
  /** in wire form, with the empty line */
  readonly header: Buffer
  /** in wire form; `undefined`: the stream has it */
  readonly body: Buffer | undefined
}

const emptyLine = Buffer.from('\r\n')
const headerLine = /^(?:[^\s:]*:|[ \t])/u

export function restoreHeader(
  raw: Buffer,
  parsed: number,
  list: readonly string[],
  encoding: BufferEncoding,
): Restored {
  const lines = splitLines(raw)
  const rest = lines.slice(parsed)
  const noEmptyLine = rest[0] !== undefined && !headerLine.test(rest[0].toString('latin1'))
  const known = fieldsByText(lines.slice(0, parsed), encoding)

  const pieces: Buffer[] = []
  let afterLastKnown = 0
  for (const field of list) {
    const octets = known.get(bareLineEnds(field))?.shift()
    pieces.push(octets ?? Buffer.from(wireField(field), encoding))
    if (octets) afterLastKnown = pieces.length
  }
  if (!noEmptyLine) pieces.splice(afterLastKnown, 0, ...rest)
  pieces.push(emptyLine)
  return { header: Buffer.concat(pieces), body: noEmptyLine ? Buffer.concat(rest) : undefined }
}

/** Each field's octets under the string that Haraka makes of it. */
function fieldsByText(lines: readonly Buffer[], encoding: BufferEncoding): Map<string, Buffer[]> {
  const fields: { text: string; octets: Buffer[] }[] = []
  for (const line of lines) {
    const unstuffed = line[0] === 0x2e ? line.subarray(1) : line
    const text = bareLineEnds(unstuffed.toString(encoding))
    const last = fields.at(-1)
    if (last && /^[ \t]/u.test(text)) {
      last.text += text
      last.octets.push(line)
    } else fields.push({ text, octets: [line] })
  }
  const known = new Map<string, Buffer[]>()
  for (const { text, octets } of fields) {
    const list = known.get(text) ?? []
    list.push(Buffer.concat(octets))
    known.set(text, list)
  }
  return known
}

function bareLineEnds(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let from = 0
  for (let end = bytes.indexOf('\r\n'); end !== -1; end = bytes.indexOf('\r\n', from)) {
    lines.push(bytes.subarray(from, end + 2))
    from = end + 2
  }
  if (from < bytes.length) lines.push(Buffer.concat([bytes.subarray(from), emptyLine]))
  return lines
}

/** A field of Haraka's list as it goes over the wire. */
export function wireField(field: string): string {
  const lines = field.replace(/\r?\n$/u, '').split(/\r?\n/u)
  return lines.map((line) => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('')
}
