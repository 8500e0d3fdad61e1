/**
 * A mailbox address as the rules compare it: the local part unquoted, the domain as lower-case
 * A-labels. Two addresses are the same when their `key` is the same; the local part is compared
 * without case, as Active Directory does.
 *
 * Parsing answers `undefined` for what is not an address; it never throws. The SMTP dialogue's own
 * syntax check is Haraka's; this one reads directory values, configuration and command lines.
 *
 * RFC 5321 4.1.2 (Mailbox), RFC 6531 3.3 (UTF-8 local parts), RFC 5890 (A-labels).
 */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

export interface MailAddress {
  /** unquoted, in the case it was written */
  readonly local: string
  /** lower case, A-labels or an address literal in brackets; empty for the bare `<postmaster>` */
  readonly domain: string
  /** what equality is decided by */
  readonly key: string
}

const asciiDomain = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/u
const dotString = /^[^\s"(),:;<>@[\]\\]+$/u
// RFC 5321 4.5.3.1: 64 octets of local part, 255 of domain, 256 of path with its brackets
const maxOctets = 254
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f\u007f]/u

/** An address of an unquoted local part and a domain in any case; no check of either. */
export function mailAddress(local: string, domain: string): MailAddress {
  const host = domain.toLowerCase()
  return { local, domain: host, key: `${local.normalize('NFC').toLowerCase()}@${host}` }
}

/**
 * Whom the address means, to deliver once what came twice: in domains of ours case does not count; in
 * others only their own system knows whether `Bob` is `bob` (RFC 5321 2.4).
 */
export function identityOf({ local, domain, key }: MailAddress, isOurs: boolean): string {
  return isOurs ? key : `${local}@${domain}`
}

/** Reads `local@domain` or `"quoted local"@domain`; `undefined` for anything else. */
export function parseMailAddress(text: string): MailAddress | undefined {
  const at = text.lastIndexOf('@')
  if (at < 1 || Buffer.byteLength(text) > maxOctets || control.test(text)) return undefined
  const local = unquoteLocal(text.slice(0, at))
  const written = text.slice(at + 1)
  const domain = normalizeDomain(written)
  if (local === undefined || domain === undefined) return undefined
  const address = mailAddress(local, domain)
  // A-labels are longer than what was written; nothing else is
  const isLonger = domain.length > written.length
  return isLonger && Buffer.byteLength(formatMailAddress(address)) > maxOctets ? undefined : address
}

/** `"a b"` → `a b`, `abc` → `abc`; `undefined` for what is neither a dot-string nor a quoted string. */
export function unquoteLocal(local: string): string | undefined {
  if (local.length > 1 && local.startsWith('"') && local.endsWith('"')) {
    const inner = local.slice(1, -1)
    if (/(^|[^\\])(\\\\)*"/u.test(inner) || /(^|[^\\])(\\\\)*\\$/u.test(inner)) return undefined
    return inner.replace(/\\(.)/gsu, '$1')
  }
  if (!dotString.test(local)) return undefined
  return local.startsWith('.') || local.endsWith('.') || local.includes('..') ? undefined : local
}

/** Lower case and A-labels; an address literal keeps its brackets; `undefined` if it is no domain. */
export function normalizeDomain(domain: string): string | undefined {
  const text = domain.toLowerCase()
  if (/^\[[0-9a-z:.]+\]$/u.test(text)) return text
  if (asciiDomain.test(text)) return text.length <= 253 ? text : undefined
  // only names with letters beyond ASCII need the conversion; it would turn `1` into `0.0.0.1`
  // eslint-disable-next-line no-control-regex -- the ASCII range
  if (/^[\u0000-\u007f]*$/u.test(text)) return undefined
  // it would end a host at `#`, `/` or `?` as in a URL, and lets other signs through
  if (/[^a-z0-9_.\u0080-\u{10ffff}-]/u.test(text)) return undefined
  const ascii = domainToASCII(text)
  // `③` becomes 0.0.0.3, and digits of other scripts an address of the network
  return asciiDomain.test(ascii) && ascii.length <= 253 && !isIP(ascii) ? ascii : undefined
}

/** The address as it goes into an envelope, quoted where it must be; `postmaster` has no domain. */
export function formatMailAddress(address: MailAddress): string {
  const { local, domain } = address
  const plain = unquoteLocal(local) === local && !local.startsWith('"')
  const written = plain ? local : `"${local.replace(/["\\]/gu, '\\$&')}"`
  return domain === '' ? written : `${written}@${domain}`
}

/** RFC 5321 4.5.1: `postmaster` in any case, in a domain or bare. */
export function isPostmaster(address: MailAddress): boolean {
  return address.local.toLowerCase() === 'postmaster'
}

/**
 * Whether a local part may name another host: `user%host`, `host!user`, `"user@host"`, and Exchange's
 * encapsulated `IMCEASMTP-user+40host`. A server that trusts its client reads it so (RFC 5321 F.2,
 * Postfix's allow_percent_hack and swap_bangpath, MS99-027).
 */
export function mayNameHost(local: string): boolean {
  return /[%!@]/u.test(local) || /^imceasmtp-/iu.test(local)
}

/**
 * Splits `user+tag` at the first delimiter: the address without the tag, and the tag with its
 * delimiter. `undefined` when there is no delimiter or nothing before it (RFC 5233).
 */
export function splitSubAddress(
  address: MailAddress,
  delimiter: string,
): { base: MailAddress; tag: string } | undefined {
  const at = delimiter === '' ? -1 : address.local.indexOf(delimiter)
  if (at < 1) return undefined
  return {
    base: mailAddress(address.local.slice(0, at), address.domain),
    tag: address.local.slice(at),
  }
}

/** The address with a tag put back behind its local part. */
export function withTag(address: MailAddress, tag: string): MailAddress {
  return tag === '' ? address : mailAddress(address.local + tag, address.domain)
}
