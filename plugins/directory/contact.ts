/**
 * A contact out of a row of a CSVDE or LDIF file, as `csvde -i` and `ldifde -i` would create it, or
 * why it is refused; and what has to change in an object for it to become that contact. Pure.
 *
 * The article, method 2, step 2: the attributes that a mail-enabled contact needs.
 */
import { parseMailAddress } from '../mail/mail-address.js'
import { firstPart, isBelow } from './distinguished-name.js'
import { toEntry, type Attributes } from './entry.js'
import type { DirectoryRecord } from './file-record.js'

export interface Contact {
  readonly line: number
  readonly dn: string
  /** what is written, by name in lower case; the class and the naming attribute among them */
  readonly attributes: Attributes
  /** keys of its own addresses */
  readonly addresses: readonly string[]
}

/** What the server keeps itself; files that `csvde -f` wrote are full of it. */
const keptByServer = new Set([
  'accountnamehistory',
  'createtimestamp',
  'creatorsname',
  'distinguishedname',
  'dscorepropagationdata',
  'entrycsn',
  'entrydn',
  'entryuuid',
  'hassubordinates',
  'instancetype',
  'memberof',
  'modifiersname',
  'modifytimestamp',
  'name',
  'ntsecuritydescriptor',
  'objectcategory',
  'objectguid',
  'objectsid',
  'structuralobjectclass',
  'subschemasubentry',
  'usnchanged',
  'usncreated',
  'whenchanged',
  'whencreated',
])

/** Reads a row; `reason` says what was expected and what came. */
export function readContact(
  row: DirectoryRecord,
  baseDn: string,
): Contact | { readonly reason: string } {
  const { line, dn, attributes } = row
  const naming = firstPart(dn)
  // Exchange and this gateway go by proxyAddresses; `mail` alone makes no contact of the article's
  const proxies = new Map([...attributes].filter(([name]) => name !== 'mail'))
  const { entry, faults, joined } = toEntry(dn, proxies)
  const reason = refusal()
  if (reason !== undefined || !naming) return { reason: reason ?? '' }
  const written = new Map([...attributes].filter(([name]) => !keptByServer.has(name)))
  if (!written.has(naming.attribute)) written.set(naming.attribute, [naming.value])
  return { line, dn, attributes: written, addresses: entry.addresses }

  function refusal(): string | undefined {
    if (!naming) return `dn: expected a name such as cn=Anna Example,${baseDn}, got \`${dn}\``
    if (!entry.isContact) {
      const classes = attributes.get('objectclass')?.join(', ') ?? ''
      return `objectClass: expected contact, got \`${classes}\`; mailboxes are made by their mail system`
    }
    if (!isBelow(dn, baseDn)) return `dn: expected a name below ${baseDn}, where lookups search`
    const name = attributes.get('name')?.[0]
    if (name !== undefined && name !== naming.value) {
      return `name: expected \`${naming.value}\` as in the dn, got \`${name}\``
    }
    if (!attributes.get('mailnickname')?.[0]) {
      return 'mailNickname: expected an alias, got nothing; without it Active Directory Users and Computers shows no E-mail Addresses tab for the contact'
    }
    if (faults[0]?.ofTarget === false) return faults[0].reason
    if (joined[0] !== undefined) return joined[0]
    if (entry.addresses.length === 0) return 'proxyAddresses: expected its addresses, got none'
    if (entry.targetAddress === undefined) {
      return 'targetAddress: expected where its mail goes (SMTP:user@domain), got nothing'
    }
    if (!parseMailAddress(entry.targetAddress)) {
      return `targetAddress: expected SMTP:user@domain, got \`${entry.targetAddress}\``
    }
    return undefined
  }
}

/** The attributes of the contact that the object has otherwise; empty: there is nothing to do. */
export function differences(contact: Contact, object: Attributes): Attributes {
  const naming = firstPart(contact.dn)?.attribute
  return new Map(
    [...contact.attributes].filter(([name, values]) => {
      if (name === 'objectclass' || name === naming) return false
      const has = new Set(object.get(name))
      return has.size !== new Set(values).size || values.some((value) => !has.has(value))
    }),
  )
}
