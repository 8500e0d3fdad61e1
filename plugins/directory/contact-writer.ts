/**
 * Writes objects as CSVDE or as LDIF, so that the readers of this folder, `csvde -i` and `ldifde -i`
 * read the same objects back. The columns are those of the article's header.
 *
 * RFC 4180, RFC 2849.
 */
import { formatMailAddress, mailAddress } from '../mail/mail-address.js'
import type { DirectoryEntry } from './directory.js'
import type { Attributes } from './entry.js'

export interface WrittenObject {
  readonly dn: string
  readonly attributes: Attributes
}

/** As in the article's example; `dn` stands first. */
export const writtenAttributes = [
  'objectClass',
  'name',
  'cn',
  'sn',
  'givenName',
  'displayName',
  'proxyAddresses',
  'targetAddress',
  'mail',
  'mailNickname',
] as const

export interface ObjectWriter {
  readonly head: string
  write(object: WrittenObject): string
}

export const objectWriters: Record<'csvde' | 'ldif', ObjectWriter> = {
  csvde: {
    head: csvLine(['DN', ...writtenAttributes]),
    write: ({ dn, attributes }) =>
      csvLine([dn, ...writtenAttributes.map((name) => field(valuesOf(attributes, name)))]),
  },
  ldif: {
    head: 'version: 1\n\n',
    write: ({ dn, attributes }) => {
      const lines = writtenAttributes.flatMap((name) =>
        valuesOf(attributes, name).map((value) => ldifLine(name, value)),
      )
      return `${ldifLine('dn', dn)}${lines.join('')}\n`
    },
  },
}

/** A row `address,target,host` for each address of an object: what another gateway needs of it. */
export const tableWriter = {
  head: csvLine(['address', 'target', 'host']),
  write({ addresses, targetAddress = '', host = '' }: DirectoryEntry): string {
    return addresses
      .map((key) => {
        const at = key.lastIndexOf('@')
        const address = formatMailAddress(mailAddress(key.slice(0, at), key.slice(at + 1)))
        return csvLine([address, targetAddress, host])
      })
      .join('')
  },
}

function valuesOf(attributes: Attributes, name: string): readonly string[] {
  return attributes.get(name.toLowerCase()) ?? []
}

function csvLine(fields: readonly string[]): string {
  const quoted = fields.map((text) =>
    /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
  )
  return `${quoted.join(',')}\r\n`
}

/** Several values in one field, as csvde puts them. */
function field(values: readonly string[]): string {
  return values.map(fieldValue).join(';')
}

/** What the separators would change is written as octets. */
function fieldValue(value: string): string {
  const plain = value.trim() === value && !/^x'|\\$|[\r\n]/iu.test(value)
  return plain ? value.replaceAll(';', '\\;') : `X'${Buffer.from(value).toString('hex')}'`
}

const lineWidth = 76

function ldifLine(name: string, value: string): string {
  // narrower than SAFE-STRING: printable ASCII
  const safe = /^[!-9;=-~][ -~]*$/u
  const plain = safe.test(value) && !value.endsWith(' ')
  const line = plain ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`
  const first = line.slice(0, lineWidth)
  const rest = line.slice(lineWidth).match(new RegExp(`.{1,${lineWidth - 1}}`, 'gsu')) ?? []
  return `${[first, ...rest].join('\n ')}\n`
}
