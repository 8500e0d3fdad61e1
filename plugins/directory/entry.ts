/**
 * From an object's attributes to what the decision needs of it. Shared by every back-end, so that a
 * CSVDE row, an LDIF record and an LDAP entry of the same object mean the same.
 *
 * Which attributes count is the schema's (schema.ts), what a value means address-values.ts. In Active
 * Directory own addresses are the `smtp:` values of `proxyAddresses`, in any case; `SMTP:` marks the
 * primary. Other types (`X400:`, `x500:`, `SIP:` …) are no mail addresses here. Of an object without an
 * SMTP address there, `mail` is the address. What cannot be read as an address is told in `faults`:
 * whom it stands for cannot be told, so nobody may be called unknown because of it.
 */
import { addressKey, readAddressValue } from './address-values.js'
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
  /** values that are no addresses */
  readonly faults: readonly ValueFault[]
  /** values that are plainly several addresses: read, but worth a word */
  readonly joined: readonly string[]
}

export interface ValueFault {
  /** as a sentence: attribute, expected, got */
  readonly reason: string
  readonly value: string
  /** the whole object is in doubt: where its mail goes cannot be told */
  readonly ofTarget: boolean
}

/** Reads one object. */
export function toEntry(
  dn: string,
  attributes: Attributes,
  written: Schema = activeDirectory,
): EntryReading {
  const schema = attributes.has(tableAttributes.address) ? tableSchema(written) : written
  const { addresses, primary, faults, joined } = readAddresses(attributes, schema)
  const target = targetAddress(attributes, schema)
  const host = mailboxHost(attributes, schema)
  const targetFault = faultOfTarget(target, schema)
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
    faults: targetFault ? [...faults, targetFault] : faults,
    joined,
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

interface ReadAddresses {
  readonly addresses: Set<string>
  primary: string | undefined
  readonly faults: ValueFault[]
  readonly joined: string[]
}

/** Those of the schema's attributes; those of the others where that finds none. */
function readAddresses(attributes: Attributes, { addresses, otherwise }: Schema): ReadAddresses {
  const read: ReadAddresses = {
    addresses: new Set(),
    primary: undefined,
    faults: [],
    joined: [],
  }
  for (const name of addresses) readAttribute(attributes, name, read)
  if (read.addresses.size > 0) return read
  for (const name of otherwise) readAttribute(attributes, name, read, true)
  return read
}

/** `firstIsPrimary`: an attribute for one address, where none is marked. */
function readAttribute(
  attributes: Attributes,
  attribute: string,
  into: ReadAddresses,
  firstIsPrimary = false,
): void {
  for (const value of values(attributes, attribute.toLowerCase())) {
    const read = readAddressValue(value)
    if (read.kind === 'other') continue
    if (read.kind === 'fault') {
      const reason = `${attribute}: expected an address, got \`${value}\``
      into.faults.push({ reason, value, ofTarget: false })
      continue
    }
    if (read.addresses.length > 1) {
      into.joined.push(`${attribute}: expected one address a value, got \`${value}\``)
    }
    for (const { key, text, isPrimary } of read.addresses) {
      into.addresses.add(key)
      if (isPrimary || firstIsPrimary) into.primary ??= text
    }
  }
}

/** A target of another type is one that cannot be used; text that is no address is damage. */
function faultOfTarget(target: string | undefined, schema: Schema): ValueFault | undefined {
  if (target === undefined || /^[a-z][a-z0-9-]{0,19}:/iu.test(target)) return undefined
  if (target.split(', ').every((one) => addressKey(one) !== undefined)) return undefined
  const reason = `${schema.target}: expected an address, got \`${target}\``
  return { reason, value: target, ofTarget: true }
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
