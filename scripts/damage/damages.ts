/**
 * A good export of 200 people, mailboxes and contacts, and the ways in which exports get damaged: by a
 * copy that was cut off, by Excel, by scripts, by the wrong character set. Pure.
 */
import type { Dice } from './dice.js'

export interface Export {
  readonly format: 'csv' | 'ldif'
  readonly text: string
  /** without their line ends; for LDIF a record each */
  readonly rows: readonly string[]
  /** everybody's */
  readonly addresses: readonly string[]
}

const people = 200
const columns = ['objectClass', 'dn', 'displayName', 'proxyAddresses', 'targetAddress', 'mail']

interface Person {
  readonly values: readonly string[]
  readonly addresses: readonly string[]
}

function person(n: number): Person {
  const name = n % 7 === 0 ? `Müller, Anna ${n}` : `Person ${n}`
  const dn = `CN=${name.replaceAll(',', '\\,')},OU=staff,DC=corp,DC=example`
  const own = [`user${n}@example.com`, ...(n % 3 === 0 ? [`u.${n}@example.com`] : [])]
  if (n % 2 === 0) {
    const proxies = [
      `SMTP:${own[0]}`,
      ...own.slice(1).map((one) => `smtp:${one}`),
      `X400:c=us\\;a= \\;p=Org\\;s=${n}\\;`,
    ]
    return { values: ['user', dn, name, proxies.join(';'), '', own[0] ?? ''], addresses: own }
  }
  const target = `person${n}@remote.example`
  const proxies = [`SMTP:${target}`, ...own.map((one) => `smtp:${one}`)]
  const values = ['contact', dn, name, proxies.join(';'), `SMTP:${target}`, target]
  return { values, addresses: [...own, target] }
}

export function goodExport(format: Export['format']): Export {
  const all = Array.from({ length: people }, (_, n) => person(n))
  const addresses = all.flatMap((one) => one.addresses)
  if (format === 'csv') {
    const rows = [columns, ...all.map(({ values }) => values)].map((row) =>
      row.map(quoted).join(','),
    )
    return { format, rows, addresses, text: rows.map((row) => `${row}\r\n`).join('') }
  }
  const rows = all.map(({ values }) => ldifRecord(values))
  return { format, rows, addresses, text: rows.map((row) => `${row}\n\n`).join('') }
}

function quoted(value: string): string {
  return /[",]/u.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

function ldifRecord(values: readonly string[]): string {
  const lines = columns.flatMap((name, at) => {
    const value = values[at] ?? ''
    const several = name === 'proxyAddresses' ? value.split(/(?<!\\);/u) : [value]
    return several
      .filter((one) => one !== '')
      .map((one) => ldifLine(name, one.replaceAll('\\;', ';')))
  })
  const at = lines.findIndex((line) => line.startsWith('dn:'))
  return [lines[at] ?? '', ...lines.slice(0, at), ...lines.slice(at + 1)].join('\n')
}

function ldifLine(name: string, value: string): string {
  // eslint-disable-next-line no-control-regex -- the ASCII range
  if (/^[\u0000-\u007f]*$/u.test(value)) return `${name}: ${value}`
  return `${name}:: ${Buffer.from(value).toString('base64')}`
}

export const damages = [
  'cut',
  'field dropped',
  'field added',
  'quote',
  'latin-1',
  'octets lost',
  'line ends',
  'joined by blanks',
  'joined by |',
  'joined by ,',
  'type for values',
  'type for one value',
  'row twice',
  'header only',
  'rows run together',
  'mailto',
] as const
export type Damage = (typeof damages)[number]

/** A damaged version; `undefined`: this damage would make a sound version with fewer people, or no other. */
export function damage(kind: Damage, good: Export, roll: Dice): string | Buffer | undefined {
  const { text, rows, format } = good
  const first = format === 'csv' ? 1 : 0
  const at = first + roll(rows.length - first)
  const row = rows[at] ?? ''
  const replaced = (next: string): string =>
    written(format, [...rows.slice(0, at), next, ...rows.slice(at + 1)])
  switch (kind) {
    case 'cut':
      return cut(good, roll(text.length))
    case 'field dropped':
      return replaced(without(format, row, roll))
    case 'field added':
      return replaced(format === 'csv' ? insert(row, ',', roll) : `${row}\nnonsense`)
    case 'quote':
      return replaced(insert(row, '"', roll))
    case 'latin-1':
      return Buffer.from(text, 'latin1')
    case 'octets lost':
      return octetLost(text, roll)
    case 'line ends':
      return format === 'csv'
        ? text.replaceAll('\r\n', ['\n', '\r', '\r\r\n'][roll(3)] ?? '\n')
        : text.replaceAll('\n', '\r\n')
    case 'joined by blanks':
      return joined(text, ' ')
    case 'joined by |':
      return joined(text, '|')
    case 'joined by ,':
      return joined(text, ',')
    case 'type for values':
      return text.replaceAll(/SMTP:[^,\r\n"]*/gu, 'System.Collections.ArrayList')
    case 'type for one value':
      return replaced(
        row.replace(/SMTP:[^,\r\n"]*/u, 'Microsoft.Exchange.Data.ProxyAddressCollection'),
      )
    case 'row twice':
      return written(format, [...rows, row])
    case 'header only':
      return format === 'csv' ? `${rows[0]}\r\n` : 'version: 1\n\n'
    case 'rows run together':
      return at + 1 < rows.length
        ? written(format, [...rows.slice(0, at), row + (rows[at + 1] ?? ''), ...rows.slice(at + 2)])
        : undefined
    case 'mailto':
      return text.replaceAll(/(?<=[,:] ?)(?=user\d+@)/gu, 'mailto:')
  }
}

function octetLost(text: string, roll: Dice): Buffer {
  const octets = Buffer.from(text)
  octets[roll(octets.length)] = 0xff
  return octets
}

/** The values of a cell with another sign between; a comma needs quotes around the cell. */
function joined(text: string, sign: string): string {
  const between = /;(?=smtp:)/gu
  if (sign !== ',') return text.replaceAll(between, sign)
  return text.replaceAll(
    /(?:^|(?<=,))([^",\r\n]*smtp:[^",\r\n]*)/gmu,
    (cell) => `"${cell.replaceAll(between, sign)}"`,
  )
}

function written(format: Export['format'], rows: readonly string[]): string {
  return rows.map((row) => (format === 'csv' ? `${row}\r\n` : `${row}\n\n`)).join('')
}

/** Not where a row ends: that is a sound version with fewer people. */
function cut({ text, format }: Export, at: number): string | undefined {
  const rest = text.slice(0, at)
  const isSound = format === 'csv' ? rest.endsWith('\n') : rest.endsWith('\n\n')
  return isSound || rest === '' ? undefined : rest
}

function without(format: Export['format'], row: string, roll: Dice): string {
  const parts = format === 'csv' ? row.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/u) : row.split('\n')
  // a record without an attribute is a sound one; a line that lost its colon is not
  if (format === 'ldif') {
    const at = 1 + roll(parts.length - 1)
    return parts.map((part, index) => (index === at ? part.replace(/:+/u, '') : part)).join('\n')
  }
  const at = roll(parts.length)
  return parts.filter((_, index) => index !== at).join(',')
}

function insert(text: string, sign: string, roll: Dice): string {
  const at = roll(text.length + 1)
  return text.slice(0, at) + sign + text.slice(at)
}
