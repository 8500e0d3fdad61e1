/**
 * Gives the fields of Haraka's header list their own octets back. Pure.
 *
 * Haraka parses the first `parsed` lines of the raw header into strings and lets plugins add and
 * remove fields. A field that is still there is found by its string and written with its octets; one
 * that is not found was added and is written as it stands. Header lines that Haraka did not parse
 * follow the last field that it did. A message without an empty line has its body where Haraka saw
 * no more header, although it could have read on (`cut`: it could not); its octets are the body then.
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
  cut = false,
): Restored {
  const { lines, rest } = splitLines(raw, parsed)
  const firstOfRest = rest.toString('latin1', 0, Math.max(0, rest.indexOf('\r\n')))
  const noEmptyLine = !cut && rest.length > 0 && !headerLine.test(firstOfRest)
  const known = fieldsByText(lines, encoding)

  const pieces: Buffer[] = []
  let afterLastKnown = 0
  for (const field of list) {
    const octets = known.get(bareLineEnds(field))?.shift()
    pieces.push(octets ?? Buffer.from(wireField(field), encoding))
    if (octets) afterLastKnown = pieces.length
  }
  if (!noEmptyLine) pieces.splice(afterLastKnown, 0, rest)
  pieces.push(emptyLine)
  return { header: Buffer.concat(pieces), body: noEmptyLine ? rest : undefined }
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

/** The first lines, and what follows them in one piece: a hostile header has millions. */
function splitLines(bytes: Buffer, count: number): { lines: Buffer[]; rest: Buffer } {
  const whole = bytes.length === 0 || bytes.subarray(-2).equals(emptyLine)
  const text = whole ? bytes : Buffer.concat([bytes, emptyLine])
  const lines: Buffer[] = []
  let from = 0
  while (lines.length < count && from < text.length) {
    const end = text.indexOf('\r\n', from) + 2
    lines.push(text.subarray(from, end))
    from = end
  }
  return { lines, rest: text.subarray(from) }
}

/** A field of Haraka's list as it goes over the wire. */
export function wireField(field: string): string {
  const ended = field.endsWith('\n') ? field : `${field}\n`
  const lines = ended.replace(/\r?\n/gu, '\r\n')
  const stuffed = lines.includes('\n.') ? lines.replaceAll('\n.', '\n..') : lines
  return stuffed.startsWith('.') ? `.${stuffed}` : stuffed
}
