/**
 * Distinguished names by their value (RFC 4514): are two the same, does one lie below another, what does
 * the first part say. Servers write one name in several ways: `\,` and `\2C`, case, blanks around `=`
 * and `,`, the order of `cn=a+sn=b`. Pure.
 */

/** Type in lower case, value unescaped: as written but for blanks around it. */
interface Part {
  readonly attribute: string
  readonly value: string
}

/** Equal for equal names. A text that is no name is equal to itself only. */
export function dnKey(dn: string): string {
  const keys = keysOf(dn)
  return keys ? keys.join(',') : JSON.stringify(dn)
}

export function isBelow(dn: string, base: string): boolean {
  const [keys, above] = [keysOf(dn), keysOf(base)]
  if (!keys || !above || keys.length <= above.length) return false
  return above.every((key, index) => keys[keys.length - above.length + index] === key)
}

/** `cn=Example\, Anna,dc=…` → `cn`, `Example, Anna`; `undefined` for what is no name. */
export function firstPart(dn: string): Part | undefined {
  const part = parseRdns(dn)?.[0]?.[0]
  return part && part.value !== '' ? part : undefined
}

function keysOf(dn: string): string[] | undefined {
  return parseRdns(dn)?.map((rdn) => rdn.map(partKey).sort().join('+'))
}

/** Values are compared without case and with blanks in a row as one, as directory strings are. */
function partKey({ attribute, value }: Part): string {
  const folded = value.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ')
  return `${attribute}=${JSON.stringify(folded)}`
}

/** The parts of the name, each with its one or more values; none for the empty name. */
function parseRdns(dn: string): Part[][] | undefined {
  if (dn.trim() === '') return []
  const rdns = split(dn, ',;').map((rdn) => split(rdn, '+').map(parsePart))
  const known = rdns.map((rdn) => rdn.filter((part) => part !== undefined))
  return known.every((rdn, index) => rdn.length === rdns[index]?.length) ? known : undefined
}

function parsePart(text: string): Part | undefined {
  const [, name, written] =
    /^\s*(?:oid\.)?([a-z][a-z0-9.-]*|[0-9.]+)\s*=\s*(.*)$/isu.exec(text) ?? []
  if (name === undefined || written === undefined) return undefined
  return { attribute: name.toLowerCase(), value: unescape(trimEnd(written)) }
}

/** Blanks at the end do not count, but for one behind a backslash. */
function trimEnd(text: string): string {
  const trimmed = text.trimEnd()
  return /(?:^|[^\\])(?:\\\\)*\\$/u.test(trimmed) && trimmed.length < text.length
    ? `${trimmed} `
    : trimmed
}

function unescape(text: string): string {
  // RFC 1779 wrote the whole value in quotes
  const quoted = /^"((?:\\.|[^"\\])*)"$/su.exec(text)?.[1]
  const octets = Buffer.from(quoted ?? text).toString('latin1')
  const plain = octets.replace(/\\([0-9a-f]{2}|.)/gisu, (_, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped,
  )
  return Buffer.from(plain, 'latin1').toString()
}

/** At separators that stand neither behind a backslash nor in quotes. */
function split(text: string, separators: string): string[] {
  const parts: string[] = []
  let from = 0
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? ''
    if (sign === '\\') at += 1
    else if (sign === '"') quoted = !quoted
    else if (!quoted && separators.includes(sign)) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}
