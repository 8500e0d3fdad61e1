/**
 * The `filter` setting of an LDAP directory: an RFC 4515 filter whose values may hold `{address}`,
 * `{user}` and `{domain}`.
 *
 * It is read once into a tree. The values of an address are put into the tree as they are, never
 * into text: there is nothing to escape, and no address can change what is asked.
 */
import type { Schema } from './schema.js'

export type FilterTemplate =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly FilterTemplate[] }
  | { readonly kind: 'not'; readonly filter: FilterTemplate }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'equal' | 'greater' | 'less' | 'approximate'
      readonly attribute: string
      readonly value: string
    }
  | {
      readonly kind: 'substrings'
      readonly attribute: string
      /** what stands between the `*`: first, middle ones, last; empty where there is nothing */
      readonly parts: readonly string[]
    }
  | {
      readonly kind: 'extensible'
      readonly attribute: string
      readonly dn: boolean
      readonly rule: string
      readonly value: string
    }

/** A text that is no filter template; the message says what was expected where. */
export class FilterFault extends Error {}

const placeholders = ['address', 'user', 'domain'] as const
export type Placeholder = (typeof placeholders)[number]

const attributeForm = '[a-z][a-z0-9-]*|\\d+(?:\\.\\d+)+'
// RFC 4512 1.4: a name or a numeric OID, with options
const simple = new RegExp(`^((?:${attributeForm})(?:;[a-z0-9-]+)*)(=|>=|<=|~=)(.*)$`, 'isu')
const extensible = new RegExp(`^(${attributeForm})?(:dn)?(?::(${attributeForm}))?:=(.*)$`, 'isu')

/** Reads a template. Throws FilterFault for anything that is none. */
export function parseFilterTemplate(text: string): FilterTemplate {
  const used = [...text.matchAll(/\{([^}]*)\}/gu)].map((match) => match[1] ?? '')
  const unknown = used.find((name) => !placeholders.some((placeholder) => placeholder === name))
  if (unknown !== undefined) {
    const known = placeholders.map((name) => `{${name}}`).join(', ')
    throw new FilterFault(`no placeholder {${unknown}}: expected ${known}`)
  }
  if (!used.includes('address') && !used.includes('user')) {
    throw new FilterFault('{address} or {user} in it')
  }
  const { filter, end } = filterAt(text, 0)
  if (end !== text.length) throw new FilterFault(`its end at position ${end + 1}`)
  return filter
}

/** Puts an address into a value of the template. */
export function fillValue(value: string, values: Readonly<Record<Placeholder, string>>): string {
  return value.replace(/\{(address|user|domain)\}/gu, (_, name: Placeholder) => values[name])
}

/**
 * Whether several addresses can be asked for in one search, each still answered as if it were asked
 * for alone: an entry that is found and owns an address must be one that the filter for this
 * address finds. That holds where the only thing asked of an address is that it is in one of the
 * attributes that hold addresses, each of them asked (`proxyAddresses`, or else `mail`).
 */
export function canBeCombined(template: FilterTemplate, schema: Schema): boolean {
  const parts = template.kind === 'and' ? template.filters : [template]
  const asking = parts.filter(hasPlaceholder)
  const [first, second] = asking
  if (first === undefined || second !== undefined) return false
  const leaves = first.kind === 'or' ? first.filters : [first]
  const asks = (attribute: string) => (leaf: FilterTemplate) => {
    const value = attribute.toLowerCase() === 'proxyaddresses' ? 'smtp:{address}' : '{address}'
    return (
      leaf.kind === 'equal' &&
      leaf.attribute.toLowerCase() === attribute.toLowerCase() &&
      leaf.value.toLowerCase() === value
    )
  }
  const { addresses, otherwise } = schema
  return (
    addresses.every((attribute) => leaves.some(asks(attribute))) &&
    leaves.every((leaf) => [...addresses, ...otherwise].some((name) => asks(name)(leaf)))
  )
}

/** The attributes that are asked for something of the address, each once. */
export function attributesAsked(template: FilterTemplate): string[] {
  const all = (part: FilterTemplate): string[] => {
    if (!hasPlaceholder(part)) return []
    if (part.kind === 'and' || part.kind === 'or') return part.filters.flatMap(all)
    if (part.kind === 'not') return all(part.filter)
    return 'attribute' in part ? [part.attribute] : []
  }
  const byName = all(template).map((name) => [name.toLowerCase(), name] as const)
  return [...new Map(byName).values()].filter((name) => name !== '')
}

/** Whether something of the address stands in the filter. */
export function hasPlaceholder(template: FilterTemplate): boolean {
  return /\{(?:address|user|domain)\}/u.test(JSON.stringify(template))
}

interface Read {
  readonly filter: FilterTemplate
  /** the position behind it */
  readonly end: number
}

function filterAt(text: string, start: number): Read {
  if (text[start] !== '(') throw new FilterFault(`\`(\` at position ${start + 1}`)
  const operator = text[start + 1]
  if (operator !== '&' && operator !== '|' && operator !== '!') return itemAt(text, start)

  const filters: FilterTemplate[] = []
  let position = start + 2
  while (text[position] === '(') {
    const { filter, end } = filterAt(text, position)
    filters.push(filter)
    position = end
  }
  if (text[position] !== ')') throw new FilterFault(`\`)\` at position ${position + 1}`)
  const [filter, second] = filters
  if (filter === undefined || (operator === '!' && second !== undefined)) {
    throw new FilterFault(`${operator === '!' ? 'one filter' : 'a filter'} after \`(${operator}\``)
  }
  const end = position + 1
  if (operator === '!') return { filter: { kind: 'not', filter }, end }
  return { filter: { kind: operator === '&' ? 'and' : 'or', filters }, end }
}

function itemAt(text: string, start: number): Read {
  const end = text.indexOf(')', start)
  if (end === -1) throw new FilterFault('`)` at its end')
  return { filter: parseItem(text.slice(start + 1, end)), end: end + 1 }
}

const comparisons = { '>=': 'greater', '<=': 'less', '~=': 'approximate' } as const

function parseItem(text: string): FilterTemplate {
  const [, attribute, comparison, written] = simple.exec(text) ?? []
  if (attribute !== undefined && comparison !== undefined && written !== undefined) {
    if (comparison !== '=') {
      const kind = comparisons[comparison as keyof typeof comparisons]
      return { kind, attribute, value: unescapeValue(written) }
    }
    if (written === '*') return { kind: 'present', attribute }
    const parts = written.split('*').map(unescapeValue)
    const [value = ''] = parts
    return parts.length === 1
      ? { kind: 'equal', attribute, value }
      : { kind: 'substrings', attribute, parts }
  }
  const match = extensible.exec(text)
  if (match?.[4] === undefined || (match[1] === undefined && match[3] === undefined)) {
    throw new FilterFault(`attribute=value where \`${text}\` stands`)
  }
  return {
    kind: 'extensible',
    attribute: match[1] ?? '',
    dn: match[2] !== undefined,
    rule: match[3] ?? '',
    value: unescapeValue(match[4]),
  }
}

/** RFC 4515 3: `\xx` is an octet, of UTF-8 text. */
function unescapeValue(text: string): string {
  const wrong = /\\(?![0-9a-f]{2})|\(/iu.exec(text)?.[0]
  if (wrong !== undefined) {
    throw new FilterFault(
      wrong === '(' ? `\`\\28\` for \`(\` in \`${text}\`` : `\`\\5c\` for \`\\\` in \`${text}\``,
    )
  }
  return text.replace(/(?:\\[0-9a-f]{2})+/giu, (octets) =>
    Buffer.from(octets.replaceAll('\\', ''), 'hex').toString(),
  )
}
