/**
 * As much of distinguished names (RFC 4514) as importing contacts needs: are two the same, does one
 * lie below another, and what does the first part say.
 */

/** Equal for equal names: case and blanks around `,` and `=` do not count. */
export function dnKey(dn: string): string {
  return keysOf(dn).join(',')
}

export function isBelow(dn: string, base: string): boolean {
  const keys = keysOf(dn)
  const above = keysOf(base)
  return keys.length > above.length && keys.slice(-above.length).join(',') === above.join(',')
}

function keysOf(dn: string): string[] {
  return partsOf(dn).map((part) =>
    part.replace(/^\s*([^=]*?)\s*=\s*(.*?)\s*$/su, '$1=$2').toLowerCase(),
  )
}

/** `cn=Example\, Anna,dc=…` → `cn`, `Example, Anna`; `undefined` for what is no name. */
export function firstPart(dn: string): { attribute: string; value: string } | undefined {
  const [, attribute, value] =
    /^\s*([a-z][a-z0-9.-]*)\s*=\s*(.*?)\s*$/isu.exec(partsOf(dn)[0] ?? '') ?? []
  if (attribute === undefined || value === undefined || value === '') return undefined
  const octets = Buffer.from(value).toString('latin1')
  const plain = octets.replace(/\\([0-9a-f]{2}|.)/gisu, (_, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped,
  )
  return { attribute: attribute.toLowerCase(), value: Buffer.from(plain, 'latin1').toString() }
}

/** Split at the commas that no backslash takes away. */
function partsOf(dn: string): string[] {
  return dn.match(/(?:\\.|[^,\\])+/gsu) ?? []
}
