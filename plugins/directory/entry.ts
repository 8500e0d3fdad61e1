/**
 * From an object's attributes to what the decision needs of it. Shared by every back-end, so that a
 * CSVDE row, an LDIF record and an LDAP entry of the same object mean the same.
 *
 * Own addresses are the `smtp:` values of `proxyAddresses`, in any case; `SMTP:` marks the primary.
 * Other types (`X400:`, `x500:`, `SIP:` …) are no mail addresses here. Where `proxyAddresses` is
 * absent, `mail` is the address. What cannot be read as an address is told in `faults`; the rest of
 * the object counts.
 */
import { mailAddress, normalizeDomain, parseMailAddress } from '../mail/mail-address.js'
import type { DirectoryEntry } from './directory.js'

/** Values by attribute name in lower case. */
export type Attributes = ReadonlyMap<string, readonly string[]>

/** What a back-end has to ask for. */
export const entryAttributes = ['objectClass', 'proxyAddresses', 'mail', 'targetAddress'] as const

export interface EntryReading {
  readonly entry: DirectoryEntry
  /** values that are no addresses, each as a sentence */
  readonly faults: readonly string[]
}

/** Reads one object. */
export function toEntry(dn: string, attributes: Attributes): EntryReading {
  const faults: string[] = []
  const addresses = new Set<string>()
  let primary: string | undefined
  for (const { text, isPrimary, attribute } of ownAddresses(attributes)) {
    const key = addressKey(text)
    if (key === undefined) {
      faults.push(`${attribute}: expected an address, got \`${text}\``)
      continue
    }
    addresses.add(key)
    if (isPrimary) primary ??= text
  }
  const target = targetAddress(attributes)
  return {
    entry: {
      dn,
      addresses: [...addresses],
      ...(primary !== undefined && { primary }),
      ...(target !== undefined && { targetAddress: target }),
      isContact: values(attributes, 'objectclass').some((name) => name.toLowerCase() === 'contact'),
    },
    faults,
  }
}

/** The values of an attribute, without the blank ones. */
function values(attributes: Attributes, name: string): string[] {
  return (attributes.get(name) ?? []).map((value) => value.trim()).filter((value) => value !== '')
}

function ownAddresses(
  attributes: Attributes,
): { text: string; isPrimary: boolean; attribute: string }[] {
  const proxies = values(attributes, 'proxyaddresses')
  if (proxies.length === 0) {
    return values(attributes, 'mail').map((text) => ({ text, isPrimary: true, attribute: 'mail' }))
  }
  return proxies.flatMap((value) => {
    // a value without a type is what plain LDAP directories have
    const [, type = 'smtp', text = ''] = /^(?:([a-z0-9-]+):)?(.*)$/isu.exec(value) ?? []
    if (type.toLowerCase() !== 'smtp') return []
    return [{ text: text.trim(), isPrimary: type === 'SMTP', attribute: 'proxyAddresses' }]
  })
}

/** Without its `SMTP:`; another type stays, so that it is seen to be unusable. */
function targetAddress(attributes: Attributes): string | undefined {
  const targets = values(attributes, 'targetaddress').map((v) => v.replace(/^smtp:\s*/iu, ''))
  // two targets are no target: joined they are no address, and the object is unusable
  return targets.length === 0 ? undefined : [...new Set(targets)].join(', ')
}

/** Directories hold local parts that SMTP would quote, such as `a..b`, as they are. */
function addressKey(text: string): string | undefined {
  // octets of another character set than the file's: no longer the address that was meant
  if (text.includes('\ufffd')) return undefined
  const address = parseMailAddress(text)
  if (address) return address.key
  const at = text.lastIndexOf('@')
  const domain = at < 1 ? undefined : normalizeDomain(text.slice(at + 1))
  const local = text.slice(0, at)
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (domain === undefined || /["\\\u0000-\u001f\u007f]/u.test(local)) return undefined
  return mailAddress(local, domain).key
}
