/**
 * What the columns of a table mean, told by its header. Pure.
 *
 *   Exchange   EmailAddresses or PrimarySmtpAddress, as Get-Recipient | Export-Csv writes them;
 *              ExternalEmailAddress is where a contact's or mail user's mail goes
 *   Google     Email Address beside Org Unit Path or First Name (the console's download of users), or
 *              primaryEmail with aliases.0, aliases.1 … (GAM)
 *   plain      address (or email, recipient …), and if there are: target, host
 *   list       no header: the first line is an address
 *
 * A row gives the address, target and host of an object, whatever the directory's schema is called.
 */
import { parseMailAddress } from '../../mail/mail-address.js'
import type { Row } from '../file-record.js'
import { tableAttributes } from '../schema.js'
import type { TableRecord } from './table-records.js'

export type TableKind = 'exchange' | 'google' | 'plain' | 'list'
export type RowMaker = (record: TableRecord) => Row | undefined

interface Cells {
  /** the first of these columns that has something */
  first(...names: readonly string[]): string
  /** whether the header has it */
  has(name: string): boolean
}

const addressColumns = ['address', 'email', 'e-mail', 'email address', 'mail address', 'recipient']

/** What the header, or the first line of a list, says; undefined: neither. */
export function kindOf(fields: readonly string[]): TableKind | undefined {
  const names = fields.map(columnName)
  const has = (...wanted: readonly string[]): boolean => wanted.some((name) => names.includes(name))
  if (has('emailaddresses', 'primarysmtpaddress')) return 'exchange'
  if (has('primaryemail') || (has('email address') && has('org unit path', 'first name'))) {
    return 'google'
  }
  if (has(...addressColumns)) return 'plain'
  return isAddress(fields[0] ?? '') ? 'list' : undefined
}

/** `Email Address [Required]` and `"email address"` are `email address`. */
export function columnName(text: string): string {
  return text
    .replace(/\[[^\]]*\]\s*$/u, '')
    .trim()
    .toLowerCase()
}

/** Makes rows of records; `header` is the first record. An object that stands twice is made once. */
export function rowMaker(kind: TableKind, header: readonly string[]): RowMaker {
  const names = header.map(columnName)
  const seen = new Set<string>()
  return ({ line, fields }) => {
    const wide = kind === 'list' ? fields.length : header.length
    const rest = fields.slice(wide)
    if (fields.length < wide || rest.some((text) => text.trim() !== '')) {
      return unreadable(
        line,
        `expected ${wide} fields as in the header, got ${fields.length}`,
        fields,
      )
    }
    if (kind === 'list') return listRow(line, fields, seen)
    const cells = cellsOf(names, fields)
    switch (kind) {
      case 'exchange':
        return exchangeRow(line, cells, fields)
      case 'google':
        return googleRow(line, cells, names, fields)
      case 'plain':
        return plainRow(line, cells, fields, seen)
    }
  }
}

function cellsOf(names: readonly string[], fields: readonly string[]): Cells {
  return {
    first: (...wanted) => {
      for (const name of wanted) {
        const text = fields[names.indexOf(name)]?.trim() ?? ''
        if (text !== '') return text
      }
      return ''
    },
    has: (name) => names.includes(name),
  }
}

function exchangeRow(line: number, cells: Cells, fields: readonly string[]): Row {
  const written = cells.first('emailaddresses')
  // a list that was not joined shows its type, and one for the screen is cut off
  const notJoined = /^(?:system|microsoft)\.[a-z.]+/iu.test(written)
  if (notJoined || /\.\.\.\}?$|…\}?$/u.test(written)) {
    const expected = 'all addresses of the recipient (join them, as the manual shows)'
    return unreadable(
      line,
      `EmailAddresses: expected ${expected}, got \`${written.slice(0, 100)}\``,
      fields,
      // its other addresses stand nowhere
      true,
    )
  }
  const addresses = addressesIn(written.replace(/^\{(.*)\}$/su, '$1'))
  const primary = cells.first('primarysmtpaddress')
  if (primary !== '' && !addresses.some((one) => sameAddress(one, primary))) {
    addresses.unshift(`SMTP:${primary}`)
  }
  const target = cells.first('externalemailaddress')
  const type = cells.first('recipienttypedetails', 'recipienttype')
  // without the column Exchange's own target is not known, and Exchange sends it on
  const isContact = /MailContact$/iu.test(type) && cells.has('externalemailaddress')
  const dn = cells.first('distinguishedname', 'identity', 'guid', 'name', 'primarysmtpaddress')
  return row(line, dn, { addresses, target, host: '', isContact })
}

/**
 * Values joined by `;`, `,` or blanks, but for those in quotes; an X500 or X400 value has such signs of
 * its own.
 */
function addressesIn(text: string): string[] {
  return text
    .split(/[;,\s|]+(?=[a-z][a-z0-9-]*:)/iu)
    .flatMap((value) =>
      /^(?!smtp:|mailto:)[a-z][a-z0-9-]*:/iu.test(value) ? [value] : plainIn(value),
    )
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

function plainIn(text: string): readonly string[] {
  return text.match(/(?:"(?:\\.|[^"\\])*"|[^;,\s|])+/gu) ?? []
}

function sameAddress(value: string, primary: string): boolean {
  return value.replace(/^smtp:/iu, '').toLowerCase() === primary.toLowerCase()
}

function googleRow(
  line: number,
  cells: Cells,
  names: readonly string[],
  fields: readonly string[],
): Row {
  const primary = cells.first('email address', 'primaryemail')
  if (primary === '') return unreadable(line, 'expected an address, got none', fields)
  const aliases = names.flatMap((name, index) =>
    /^(?:noneditable)?aliases(?:\.\d+)?$/u.test(name)
      ? addressesIn(fields[index] ?? '').filter((alias) => alias.includes('@'))
      : [],
  )
  const addresses = [`SMTP:${primary}`, ...aliases]
  return row(line, primary, { addresses, target: '', host: '', isContact: false })
}

function plainRow(
  line: number,
  cells: Cells,
  fields: readonly string[],
  seen: Set<string>,
): Row | undefined {
  const address = cells.first(...addressColumns)
  if (address === '') return unreadable(line, 'expected an address, got none', fields)
  const target = cells.first('target')
  const host = cells.first('host')
  return oncePer(seen, [address, target, host], () =>
    row(line, cells.first('dn', 'name') || `line ${line}`, {
      addresses: addressesIn(address),
      target,
      host,
      isContact: false,
    }),
  )
}

function listRow(line: number, fields: readonly string[], seen: Set<string>): Row | undefined {
  const text = fields.map((field) => field.trim()).filter((field) => field !== '')
  if (text.length === 0 || text[0]?.startsWith('#')) return undefined
  const [address = '', second] = text.flatMap(addressesIn)
  if (second !== undefined) return unreadable(line, 'expected one address a line', fields)
  return oncePer(seen, [address], () =>
    row(line, `line ${line}`, { addresses: [address], target: '', host: '', isContact: false }),
  )
}

/** A list that people keep by hand has the same line twice. */
export function oncePer(
  seen: Set<string>,
  what: readonly string[],
  make: () => Row,
): Row | undefined {
  const key = what.join('\n').toLowerCase()
  if (seen.has(key)) return undefined
  seen.add(key)
  return make()
}

export interface TableObject {
  /** with or without their types */
  readonly addresses: readonly string[]
  readonly target: string
  readonly host: string
  readonly isContact: boolean
}

export function row(line: number, dn: string, object: TableObject): Row {
  const { addresses, target, host, isContact } = object
  const attributes = new Map<string, readonly string[]>([
    [tableAttributes.address, addresses.map(withoutMailto)],
  ])
  if (target !== '') attributes.set(tableAttributes.target, [withoutMailto(target)])
  if (host !== '') attributes.set(tableAttributes.host, [host])
  if (isContact) attributes.set('objectclass', ['contact'])
  return { kind: 'record', line, dn, attributes }
}

function withoutMailto(text: string): string {
  return text.replace(/^(smtp:)?mailto:/iu, '$1')
}

/** The text goes along, for the addresses in it. */
export function unreadable(
  line: number,
  reason: string,
  fields: readonly string[],
  incomplete = false,
): Row {
  const text = fields.join(',')
  return {
    kind: 'unreadable',
    line,
    reason: `${reason}: \`${text.slice(0, 200)}\``,
    text,
    incomplete,
  }
}

function isAddress(text: string): boolean {
  return parseMailAddress(text.trim().replace(/^(?:smtp:|mailto:)/iu, '')) !== undefined
}
