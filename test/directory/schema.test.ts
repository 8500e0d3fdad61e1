import assert from 'node:assert/strict'

import type { DirectoryEntry } from '../../plugins/directory/directory.js'
import { toEntry } from '../../plugins/directory/entry.js'
import { parseFilterTemplate } from '../../plugins/directory/filter-template.js'
import { hostName } from '../../plugins/directory/mailboxes.js'
import {
  attributesOfSchema,
  schemaNames,
  schemas,
  withOwnAttributes,
  type Schema,
} from '../../plugins/directory/schema.js'

type Attributes = Readonly<Record<string, readonly string[]>>
type Expected = Omit<DirectoryEntry, 'dn' | 'isContact' | 'primary'> & { isContact?: boolean }

const read = (schema: Schema, attributes: Attributes): Expected => {
  const lower = Object.entries(attributes).map(([name, values]) => [name.toLowerCase(), values])
  const { entry } = toEntry('cn=x', new Map(lower as [string, readonly string[]][]), schema)
  const { addresses, targetAddress, host, targetByHost, isContact } = entry
  return {
    addresses,
    ...(targetAddress !== undefined && { targetAddress }),
    ...(host !== undefined && { host }),
    ...(targetByHost && { targetByHost }),
    ...(isContact && { isContact }),
  }
}

const sendmail: Schema = { ...schemas.sendmail, localHosts: ['gateway.example.com'] }
const own = withOwnAttributes(schemas['active-directory'], {
  addresses: ['mail', 'otherMailbox'],
  target: 'forward',
  host: 'homeMDB',
})

const addresses = ['a@example.com']
const table: readonly (readonly [string, Schema, Attributes, Expected])[] = [
  // Sendmail's truth table: mailHost (not set, here, elsewhere) by mailRoutingAddress
  ['Sendmail: nothing set', sendmail, {}, { addresses }],
  [
    'Sendmail: routing address',
    sendmail,
    { mailRoutingAddress: ['b@other.example'] },
    { addresses, targetAddress: 'b@other.example' },
  ],
  ['Sendmail: local host', sendmail, { mailHost: ['Gateway.example.com'] }, { addresses }],
  [
    'Sendmail: local host and routing address',
    sendmail,
    { mailHost: ['gateway.example.com'], mailRoutingAddress: ['b@other.example'] },
    { addresses, targetAddress: 'b@other.example' },
  ],
  [
    'Sendmail: other host',
    sendmail,
    { mailHost: ['Mail2.example.com'] },
    { addresses, host: 'mail2.example.com' },
  ],
  [
    'Sendmail: other host and routing address',
    sendmail,
    { mailHost: ['mail2.example.com'], mailRoutingAddress: ['b@other.example'] },
    {
      addresses,
      targetAddress: 'b@other.example',
      host: 'mail2.example.com',
      targetByHost: true,
    },
  ],
  [
    'qmail: a copy elsewhere is the host’s business',
    schemas.qmail,
    { mailForwardingAddress: ['b@other.example'], mailHost: ['q1.example.com'] },
    { addresses, host: 'q1.example.com' },
  ],
  [
    'qmail: forward only',
    schemas.qmail,
    { mailForwardingAddress: ['b@other.example'], deliveryMode: ['forwardOnly'] },
    { addresses, targetAddress: 'b@other.example' },
  ],
  [
    'postfix-book: forwarding',
    schemas['postfix-book'],
    { mailForwardingAddress: ['b@other.example'] },
    { addresses, targetAddress: 'b@other.example' },
  ],
  [
    'postfix-book: a list of several is expanded by its own system',
    schemas['postfix-book'],
    { mailForwardingAddress: ['b@other.example', 'c@other.example'] },
    { addresses },
  ],
  [
    'Zimbra: host',
    schemas.zimbra,
    { zimbraMailHost: ['z1.example.com'] },
    { addresses, host: 'z1.example.com' },
  ],
  [
    'own attributes',
    own,
    { forward: ['SMTP:b@other.example'], homeMDB: ['CN=DB01,CN=Databases,DC=corp'] },
    { addresses, targetAddress: 'b@other.example', host: 'db01' },
  ],
  [
    'own attributes: two hosts are none',
    own,
    { homeMDB: ['mail1', 'mail2'] },
    { addresses, host: 'mail1, mail2' },
  ],
]

describe('schema', () => {
  for (const [what, schema, attributes, expected] of table) {
    it(what, () => {
      const address = { [schema.addresses[0] ?? '']: ['a@example.com'] }
      assert.deepEqual(read(schema, { ...address, ...attributes }), expected)
    })
  }

  for (const name of schemaNames) {
    it(`${name}: takes addresses of every attribute, and asks for all it needs`, () => {
      const schema = schemas[name]
      const all = schema.addresses.map((attribute, index) => [attribute, [`a${index}@example.com`]])
      const found = read(schema, Object.fromEntries(all) as Attributes).addresses
      assert.deepEqual(
        found,
        schema.addresses.map((_, index) => `a${index}@example.com`),
      )
      assert.ok(parseFilterTemplate(schema.filter))
      const asked = attributesOfSchema(schema)
      for (const attribute of schema.addresses) assert.ok(asked.includes(attribute))
      assert.equal(asked.includes(''), false)
    })
  }

  const names: readonly (readonly [string, string])[] = [
    ['Mail2.Example.com', 'mail2.example.com'],
    ['/o=Corp/ou=Group/cn=Configuration/cn=Servers/cn=EX01', 'ex01'],
    ['CN=DB01,CN=Databases,DC=corp', 'db01'],
    ['lmtp:z1.example.com:7025', 'lmtp:z1.example.com:7025'],
  ]
  for (const [value, name] of names)
    it(`lists ${value} as ${name}`, () => assert.equal(hostName(value), name))
})
