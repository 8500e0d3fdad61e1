/**
 * The objects that every back-end of the contract suite holds, as CSVDE, as LDIF, or added to a
 * server below a base.
 */
import { schemas, type SchemaName } from '../../plugins/directory/schema.js'

export interface Person {
  readonly cn: string
  readonly class: 'user' | 'contact'
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

export const people: readonly Person[] = [
  {
    cn: 'Internet User',
    class: 'contact',
    attributes: {
      proxyAddresses: ['SMTP:internetUser@remote.domain', 'smtp:internetuser@xo.one'],
      targetAddress: ['SMTP:internetUser@remote.domain'],
      mail: ['internetUser@remote.domain'],
    },
  },
  {
    cn: 'Anna',
    class: 'user',
    attributes: {
      proxyAddresses: [
        'SMTP:Anna@Example.com',
        'smtp:anna.b@example.com',
        'X400:c=us;a= ;p=Example;s=Anna',
        'sip:anna.sip@example.com',
      ],
      mail: ['anna.mail@example.com'],
    },
  },
  { cn: 'Plain', class: 'user', attributes: { mail: ['plain@example.com'] } },
  { cn: 'Empty', class: 'contact', attributes: { proxyAddresses: ['smtp:empty@example.com'] } },
  {
    cn: 'Mail User',
    class: 'user',
    attributes: {
      proxyAddresses: ['SMTP:mailuser@example.com'],
      targetAddress: ['mailuser@remote.domain'],
    },
  },
  {
    cn: 'Twin 1',
    class: 'user',
    attributes: { proxyAddresses: ['SMTP:twin1@example.com', 'smtp:twins@example.com'] },
  },
  {
    cn: 'Twin 2',
    class: 'user',
    attributes: { proxyAddresses: ['SMTP:twin2@example.com', 'smtp:TWINS@example.com'] },
  },
  {
    cn: 'Odd, "Signs" + more',
    class: 'user',
    attributes: {
      proxyAddresses: [
        'SMTP:a*b@example.com',
        'smtp:(x)@example.com',
        'smtp:"quo\\"te"@example.com',
        'smtp:"back\\\\slash"@example.com',
        'smtp:"a b"@example.com',
        'smtp:jürgen@example.com',
        "smtp:o'hara&co=1/2@example.com",
        `smtp:${'l'.repeat(64)}@${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(50)}.example`,
      ],
    },
  },
  {
    cn: 'Bücher',
    class: 'contact',
    attributes: {
      proxyAddresses: ['SMTP:buch@bücher.example', 'smtp:buch2@xn--bcher-kva.example'],
      targetAddress: ['SMTP:buch@remote.domain'],
    },
  },
]

/** RFC 4514 2.4 */
function dnOf(person: Person, base: string): string {
  return `cn=${person.cn.replace(/[,+"\\]/gu, '\\$&')},${base}`
}

/** The classes of an object that has the schema's attributes. */
const classes: Readonly<Record<SchemaName, readonly string[]>> = {
  'active-directory': [],
  sendmail: ['user', 'inetLocalMailRecipient'],
  'postfix-book': ['user', 'PostfixBookMailAccount', 'PostfixBookMailForward'],
  qmail: ['user', 'qmailUser'],
  zimbra: ['user', 'zimbraAccount'],
}

/** What else an object needs for its target to count. */
const leading: Partial<Record<SchemaName, Person['attributes']>> = {
  qmail: { deliveryMode: ['forwardonly'] },
}

/** The person as that schema holds it: plain addresses in ASCII, in one attribute after the other. */
export function inSchema({ attributes }: Person, name: SchemaName): [string, string][] {
  const { addresses, target } = schemas[name]
  const values = (key: string): string[] =>
    (attributes[key] ?? [])
      .flatMap((value) => /^(?:smtp:)?([^:]*@.*)$/iu.exec(value)?.[1] ?? [])
      // eslint-disable-next-line no-control-regex -- the ASCII range
      .filter((value) => /^[\u0020-\u007e]*$/u.test(value))
  const own = values('proxyAddresses').length > 0 ? values('proxyAddresses') : values('mail')
  const leads = target === '' ? [] : values('targetAddress')
  return [
    ...classes[name].map((value): [string, string] => ['objectClass', value]),
    ...own.map((value, index): [string, string] => [
      addresses[index % addresses.length] ?? '',
      value,
    ]),
    ...leads.map((value): [string, string] => [target, value]),
    ...(leads.length > 0 ? Object.entries(leading[name] ?? {}) : []).flatMap(([key, some]) =>
      some.map((value): [string, string] => [key, value]),
    ),
  ]
}

export function peopleAsLdif(base: string, schema: SchemaName = 'active-directory'): string {
  return people
    .map((person) =>
      (schema === 'active-directory'
        ? asWritten(person, base)
        : [['dn', dnOf(person, base)] as const, ...inSchema(person, schema)]
      )
        .map(([name, value]) =>
          // eslint-disable-next-line no-control-regex -- the ASCII range
          /^[\u0020-\u007e]*$/u.test(value)
            ? `${name}: ${value}`
            : `${name}:: ${Buffer.from(value).toString('base64')}`,
        )
        .join('\n'),
    )
    .map((record) => `${record}\n\n`)
    .join('')
}

function asWritten(person: Person, base: string): (readonly [string, string])[] {
  return [
    ['dn', dnOf(person, base)],
    ['objectClass', person.class],
    ...Object.entries(person.attributes).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
  ]
}

export function peopleAsCsvde(base: string): string {
  const names = ['proxyAddresses', 'targetAddress', 'mail']
  const quote = (text: string): string =>
    /[",\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  const rows = people.map((person) => [
    dnOf(person, base),
    person.class,
    ...names.map((name) =>
      (person.attributes[name] ?? []).map((value) => value.replaceAll(';', '\\;')).join('; '),
    ),
  ])
  return [['DN', 'objectClass', ...names], ...rows]
    .map((fields) => `${fields.map(quote).join(',')}\r\n`)
    .join('')
}
