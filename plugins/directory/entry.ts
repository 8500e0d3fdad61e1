/**
 * From an object's attributes to what the decision needs of it. Shared by every back-end, so that a
 * CSVDE row, an LDIF record and an LDAP entry of the same object mean the same.
 *
 * Which attributes count is the schema's (schema.ts). In Active Directory own addresses are the `smtp:` values of `proxyAddresses`, in any case; `SMTP:` marks the primary.
 * Other types (`X400:`, `x500:`, `SIP:` …) are no mail addresses here. Where `proxyAddresses` is
 * absent, `mail` is the address. What cannot be read as an address is told in `faults`; the rest of
 * the object counts.
 */
import { mailAddress, normalizeDomain, parseMailAddress } from '../mail/mail-address.js'
import type { DirectoryEntry } from './directory.js'
import { hostName } from './mailboxes.js'
import {
  activeDirectory,
  attributesOfSchema,
  tableAttributes,
  tableSchema,
  type Schema,
} from './schema.js'

/** Values by attribute name in lower case. */
export type Attributes = ReadonlyMap<string, readonly string[]>

/** What has to be asked for of an Active Directory. */
export const entryAttributes: readonly string[] = attributesOfSchema(activeDirectory)

export interface EntryReading {
  readonly entry: DirectoryEntry
  /** values that are no addresses, each as a sentence */
  readonly faults: readonly string[]
}

/** Reads one object. */
export function toEntry(
  dn: string,
  attributes: Attributes,
  written: Schema = activeDirectory,
): EntryReading {
  const schema = attributes.has(tableAttributes.address) ? tableSchema(written) : written
  const faults: string[] = []
  const addresses = new Set<string>()
  let primary: string | undefined
  for (const { text, isPrimary, attribute } of ownAddresses(attributes, schema)) {
    const key = addressKey(text)
    if (key === undefined) {
      faults.push(`${attribute}: expected an address, got \`${text}\``)
      continue
    }
    addresses.add(key)
    if (isPrimary) primary ??= text
  }
  const target = targetAddress(attributes, schema)
  const host = mailboxHost(attributes, schema)
  return {
    entry: {
      dn,
      addresses: [...addresses],
      ...(primary !== undefined && { primary }),
      ...(target !== undefined && { targetAddress: target }),
      ...(host !== '' && { host }),
      ...(host !== '' && target !== undefined && schema.targetByHost && { targetByHost: true }),
      isContact: has(attributes, 'objectclass', [schema.contactClass]),
    },
    faults,
  }
}

/** The values of an attribute, without the blank ones. */
function values(attributes: Attributes, name: string): string[] {
  return (attributes.get(name) ?? []).map((value) => value.trim()).filter((value) => value !== '')
}

/** Whether the attribute has one of the values, in lower case. */
function has(attributes: Attributes, name: string, wanted: readonly string[]): boolean {
  return values(attributes, name).some((value) => wanted.includes(value.toLowerCase()))
}

interface OwnAddress {
  readonly text: string
  readonly isPrimary: boolean
  readonly attribute: string
}

function ownAddresses(attributes: Attributes, schema: Schema): OwnAddress[] {
  const { addresses, otherwise } = schema
  const present = (name: string): boolean => values(attributes, name.toLowerCase()).length > 0
  if (!addresses.some(present)) {
    return otherwise.flatMap((attribute) =>
      values(attributes, attribute.toLowerCase()).map((text) => ({
        text,
        isPrimary: true,
        attribute,
      })),
    )
  }
  return addresses.flatMap((attribute) =>
    values(attributes, attribute.toLowerCase()).flatMap((value) => {
      // a value without a type is what plain LDAP directories have
      const [, type = 'smtp', text = ''] = /^(?:([a-z0-9-]+):)?(.*)$/isu.exec(value) ?? []
      if (type.toLowerCase() !== 'smtp') return []
      return [{ text: text.trim(), isPrimary: type === 'SMTP', attribute }]
    }),
  )
}

/** As `[DIRECTORY hosts]` lists it; empty: the directory's own. Two hosts are none that is listed. */
function mailboxHost(attributes: Attributes, { host, localHosts }: Schema): string {
  if (host === '') return ''
  const names = [...new Set(values(attributes, host.toLowerCase()).map(hostName))]
  return names.every((name) => localHosts.includes(name)) ? '' : names.join(', ')
}

/** Without its `SMTP:`; another type stays, so that it is seen to be unusable. */
function targetAddress(attributes: Attributes, schema: Schema): string | undefined {
  const { target, targetIf, severalTargets } = schema
  if (target === '') return undefined
  if (targetIf && !has(attributes, targetIf.attribute.toLowerCase(), targetIf.values))
    return undefined
  const found = values(attributes, target.toLowerCase()).map((v) => v.replace(/^smtp:\s*/iu, ''))
  const targets = [...new Set(found)]
  if (targets.length > 1 && severalTargets === 'mailbox') return undefined
  // two targets are no target: joined they are no address, and the object is unusable
  return targets.length === 0 ? undefined : targets.join(', ')
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
