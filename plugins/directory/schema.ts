/**
 * Which attributes of an object hold its addresses, where its mail goes and on which host its mailbox
 * is. A schema has a name (`schema = sendmail`), or is put together from an administrator's own
 * attributes; every back-end reads objects by it (entry.ts).
 *
 *   active-directory  proxyAddresses, else mail; targetAddress
 *   sendmail          LDAP routing: mailLocalAddress; mailRoutingAddress; mailHost
 *   postfix-book      mail, mailAlias; mailForwardingAddress
 *   qmail             qmail-ldap: mail, mailAlternateAddress; mailForwardingAddress if forward-only; mailHost
 *   zimbra            zimbraMailDeliveryAddress, zimbraMailAlias, mail; zimbraMailHost
 *
 * An object that sends to several addresses is expanded by its own mail system, as a list is: for
 * this gateway it is a mailbox. Only Active Directory has one target by its definition.
 */
export const schemaNames = [
  'active-directory',
  'sendmail',
  'postfix-book',
  'qmail',
  'zimbra',
] as const
export type SchemaName = (typeof schemaNames)[number]

export interface Schema {
  /** own addresses, plain or typed (`SMTP:a@b`); of several attributes all count */
  readonly addresses: readonly string[]
  /** own addresses of an object that has none in `addresses` */
  readonly otherwise: readonly string[]
  /** where mail for the object goes; empty: nowhere else */
  readonly target: string
  /** the target counts only where this attribute has one of the values, in lower case */
  readonly targetIf?: { readonly attribute: string; readonly values: readonly string[] }
  /** several targets: none that can be used, or a list that the object's own system expands */
  readonly severalTargets: 'unusable' | 'mailbox'
  /** the host of the object's mailbox; empty: the directory's */
  readonly host: string
  /** mail for the target goes by way of the object's host, where it has one (Sendmail) */
  readonly targetByHost: boolean
  /** hosts, in lower case, that mean the directory's own mailbox host */
  readonly localHosts: readonly string[]
  /** objects of this class have no mailbox here */
  readonly contactClass: string
  /** what finds an address, unless `filter` is set */
  readonly filter: string
}

const common = {
  otherwise: [],
  severalTargets: 'mailbox',
  host: '',
  targetByHost: false,
  localHosts: [],
  contactClass: '',
} as const

export const schemas: Readonly<Record<SchemaName, Schema>> = {
  'active-directory': {
    ...common,
    addresses: ['proxyAddresses'],
    otherwise: ['mail'],
    target: 'targetAddress',
    severalTargets: 'unusable',
    contactClass: 'contact',
    filter: '(|(proxyAddresses=smtp:{address})(mail={address}))',
  },
  sendmail: {
    ...common,
    addresses: ['mailLocalAddress'],
    target: 'mailRoutingAddress',
    host: 'mailHost',
    targetByHost: true,
    filter: '(&(objectClass=inetLocalMailRecipient)(mailLocalAddress={address}))',
  },
  'postfix-book': {
    ...common,
    addresses: ['mail', 'mailAlias'],
    target: 'mailForwardingAddress',
    filter: '(&(|(mail={address})(mailAlias={address}))(!(mailEnabled=FALSE)))',
  },
  qmail: {
    ...common,
    addresses: ['mail', 'mailAlternateAddress'],
    target: 'mailForwardingAddress',
    targetIf: { attribute: 'deliveryMode', values: ['forwardonly', 'nolocal'] },
    host: 'mailHost',
    filter:
      '(&(objectClass=qmailUser)(|(mail={address})(mailAlternateAddress={address}))(!(accountStatus=disabled)))',
  },
  zimbra: {
    ...common,
    addresses: ['zimbraMailDeliveryAddress', 'zimbraMailAlias', 'mail'],
    target: '',
    host: 'zimbraMailHost',
    filter:
      '(&(|(zimbraMailDeliveryAddress={address})(zimbraMailAlias={address})(mail={address}))(!(zimbraMailStatus=disabled)))',
  },
}

export const activeDirectory = schemas['active-directory']

/** What the rows of a table give, by names that no schema has (table/table-columns.ts). */
export const tableAttributes = { address: '(address)', target: '(target)', host: '(host)' } as const

/** How rows of a table are read in a directory of any schema. */
export function tableSchema({ localHosts }: Schema): Schema {
  return {
    ...common,
    addresses: [tableAttributes.address],
    target: tableAttributes.target,
    host: tableAttributes.host,
    localHosts,
    contactClass: 'contact',
    filter: '',
  }
}

/** An administrator's own attributes; what is left empty stays as the schema has it. */
export interface OwnAttributes {
  readonly addresses: readonly string[]
  readonly target: string
  readonly host: string
}

export function withOwnAttributes(schema: Schema, own: OwnAttributes): Schema {
  const changed = {
    ...schema,
    ...(own.target !== '' && { target: own.target, targetIf: undefined }),
    ...(own.host !== '' && { host: own.host }),
  }
  // an absent key and an undefined one are not the same to exactOptionalPropertyTypes
  const { targetIf, ...rest } = changed
  const next: Schema = { ...rest, ...(targetIf && { targetIf }) }
  if (own.addresses.length === 0) return next
  const items = own.addresses.map((name) =>
    name.toLowerCase() === 'proxyaddresses' ? `(${name}=smtp:{address})` : `(${name}={address})`,
  )
  const filter = items.length === 1 ? (items[0] ?? '') : `(|${items.join('')})`
  return { ...next, addresses: own.addresses, otherwise: [], filter }
}

/** What a back-end has to ask a server for. */
export function attributesOfSchema(schema: Schema): string[] {
  const { addresses, otherwise, target, targetIf, host } = schema
  const names = ['objectClass', ...addresses, ...otherwise, target, targetIf?.attribute ?? '', host]
  return [...new Set(names.filter((name) => name !== ''))]
}
