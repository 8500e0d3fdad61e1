/**
 * A value of an attribute that holds addresses, read as addresses. One reader for files, LDAP and import,
 * so that a value means the same everywhere. Pure.
 *
 *   SMTP:anna@x   smtp:anna@x   anna@x   mailto:anna@x     one address; `SMTP:` marks the primary
 *   SMTP:mailto:anna@x   smtp:mailto:anna@x                the same, as a script wrote it that took links for addresses
 *   SMTP:anna@x smtp:a@x   anna@x,a@x   a@x|b@x           several in one value, as scripts join them
 *   X400:…   x500:…   SIP:…                               no mail address: passed over
 *   anything else                                          a fault: what it stands for cannot be told
 *
 * A local part has no blank, comma, `;`, `|`, `:` or second `@` unless it is quoted (RFC 5321 4.1.2).
 */
import { mailAddress, normalizeDomain, parseMailAddress } from '../mail/mail-address.js'

export interface ValueAddress {
  readonly key: string
  /** as written, without its type */
  readonly text: string
  /** `SMTP:` in upper case */
  readonly isPrimary: boolean
}

export type ReadValue =
  | { readonly kind: 'addresses'; readonly addresses: readonly ValueAddress[] }
  /** no mail address, and none is meant */
  | { readonly kind: 'other' }
  | { readonly kind: 'fault' }

// where a further typed address begins in a value that scripts have joined
const nextTyped = /[\s,;|]+(?=(?:smtp|mailto|sip|x400|x500|eum|cc|ms|notes|gwise|imceaex):)/giu
const separators = /[\s,;|]+/u
// behind a type too
const link = /^mailto:\s*/iu
const type = /^([a-z][a-z0-9-]{0,19}):\s*(.*)$/isu

/** Reads one value, blanks around it taken off. */
export function readAddressValue(value: string): ReadValue {
  const addresses: ValueAddress[] = []
  let others = 0
  const text = value.trim()
  for (const piece of separators.test(text) ? text.split(nextTyped) : [text]) {
    const typed = type.exec(piece)
    const name = typed?.[1] ?? ''
    if (name !== '' && !isMail(name)) {
      others += 1
      continue
    }
    const read = readUntyped((typed?.[2] ?? piece).replace(link, ''), name === 'SMTP')
    if (!read) return { kind: 'fault' }
    addresses.push(...read)
  }
  if (addresses.length > 0) return { kind: 'addresses', addresses }
  return others > 0 ? { kind: 'other' } : { kind: 'fault' }
}

function isMail(name: string): boolean {
  return /^(?:smtp|mailto)$/iu.test(name)
}

/** One address, or several plain ones; `undefined` if any part is none. */
function readUntyped(text: string, isPrimary: boolean): ValueAddress[] | undefined {
  const one = addressKey(text)
  if (one !== undefined) return [{ key: one, text: text.trim(), isPrimary }]
  if (text.includes('"')) return undefined
  const parts = text.split(separators).filter((part) => part !== '')
  if (parts.length < 2) return undefined
  const read = parts.map((part, index): ValueAddress | undefined => {
    const key = addressKey(part)
    return key === undefined ? undefined : { key, text: part, isPrimary: isPrimary && index === 0 }
  })
  return read.every((part) => part !== undefined) ? read : undefined
}

/** The key of a text that is one address; directories hold local parts such as `a..b` as they are. */
export function addressKey(written: string): string | undefined {
  const text = written.trim()
  // octets of another character set than the file's: no longer the address that was meant
  if (text.includes('\ufffd')) return undefined
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  const quoted = local.startsWith('"')
  if (!quoted && /[\s,;|:@<>]/u.test(local)) return undefined
  const address = parseMailAddress(text)
  if (address) return address.key
  const domain = at < 1 ? undefined : normalizeDomain(text.slice(at + 1))
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (domain === undefined || /["\\\u0000-\u001f\u007f]/u.test(local)) return undefined
  return mailAddress(local, domain).key
}

// generous on purpose: what looks like an address in a damaged row is in doubt
const lookalike = /[^\s"'<>(),;:|\\[\]]+@[^\s"'<>(),;:|\\[\]@]+/gu
// whose local part is quoted, or has a sign that may stand in one: o'brien
const rarer =
  /(?:"(?:\\.|[^"\\\r\n]){1,64}"|[^\s"<>,;:|\\[\]@]*['()][^\s"<>,;:|\\[\]@]*)@[^\s"'<>(),;:|\\[\]@]+/gu
const hex = /x'((?:[0-9a-f]{2})+)'?/giu

const strayLimit = 500

/**
 * Keys of everything in a row that looks like an address, or would without one stray comma or quote: that
 * may stand in the middle of an address.
 */
export function lookalikesOfRow(text: string): string[] {
  const keys = new Set(lookalikes(text))
  let strays = 0
  for (const { index } of text.matchAll(/[",;]/gu)) {
    if ((strays += 1) > strayLimit) break
    for (const key of lookalikes(text.slice(0, index) + text.slice(index + 1))) keys.add(key)
  }
  return [...keys]
}

/** Keys of everything in a text that looks like an address. */
export function lookalikes(text: string): string[] {
  const written = [text, ...[...text.matchAll(hex)].map(([, octets = '']) => decode(octets))]
  const keys = written.flatMap((one) =>
    [...one.matchAll(lookalike), ...one.matchAll(rarer)].flatMap(([match]) => {
      const afterSign = match.slice(match.lastIndexOf('=', match.indexOf('@')) + 1)
      return [match, afterSign].flatMap((candidate) => addressKey(candidate) ?? [])
    }),
  )
  return [...new Set(keys)]
}

function decode(octets: string): string {
  return Buffer.from(octets, 'hex').toString()
}
