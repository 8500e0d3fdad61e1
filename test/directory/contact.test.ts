import assert from 'node:assert/strict'

import { differences, readContact } from '../../plugins/directory/contact.js'
import { objectWriters } from '../../plugins/directory/contact-writer.js'
import { readCsvde } from '../../plugins/directory/csvde.js'
import { readLdif } from '../../plugins/directory/ldif.js'
import type { DirectoryRecord, Row } from '../../plugins/directory/file-record.js'

const base = 'dc=xo,dc=one'
const article = {
  objectclass: 'contact',
  name: 'Internet User',
  cn: 'Internet User',
  proxyaddresses: 'SMTP:internetUser@remote.domain; smtp:internetuser@xo.one',
  targetaddress: 'SMTP:internetUser@remote.domain',
  mail: 'internetUser@remote.domain',
  mailnickname: 'internetuser',
}
const dn = 'cn=Internet User,ou=internet users,dc=xo,dc=one'

function record(changes: Record<string, string> = {}, name = dn): DirectoryRecord {
  const values = Object.entries({ ...article, ...changes }).filter(([, value]) => value !== '')
  return {
    kind: 'record',
    line: 2,
    dn: name,
    attributes: new Map(values.map(([key, value]) => [key, value.split('; ')])),
  }
}

describe('contacts to import', () => {
  it("reads the article's example", () => {
    const contact = readContact(record(), base)
    assert(!('reason' in contact))
    assert.deepEqual(contact.addresses, ['internetuser@remote.domain', 'internetuser@xo.one'])
    assert(!contact.attributes.has('name'))
    assert.deepEqual(contact.attributes.get('cn'), ['Internet User'])
  })

  it('leaves out what the server keeps, and adds the naming attribute', () => {
    const contact = readContact(record({ cn: '', whencreated: '2020', objectguid: 'x' }), base)
    assert(!('reason' in contact))
    assert.deepEqual(
      [...contact.attributes.keys()].sort(),
      ['cn', 'mail', 'mailnickname', 'objectclass', 'proxyaddresses', 'targetaddress'].sort(),
    )
  })

  const refused: [string, Record<string, string>, RegExp, string?][] = [
    ['no mailNickname', { mailnickname: '' }, /^mailNickname: .* no E-mail Addresses tab/u],
    ['a mailbox', { objectclass: 'user' }, /^objectClass: expected contact, got `user`/u],
    ['no class', { objectclass: '' }, /^objectClass:/u],
    ['no target', { targetaddress: '' }, /^targetAddress: .* got nothing/u],
    ['a target that is no address', { targetaddress: 'X400:c=us' }, /^targetAddress: .*X400/u],
    ['no address', { proxyaddresses: 'X400:c=us' }, /^proxyAddresses: .* got none/u],
    ['an address that is none', { proxyaddresses: 'smtp:anna' }, /^proxyAddresses: .*`smtp:anna`/u],
    ['another name than the dn', { name: 'Other' }, /^name: expected `Internet User`/u],
    ['no dn', {}, /^dn: expected a name such as/u, ''],
    ['a place outside', {}, /^dn: expected a name below dc=xo,dc=one/u, 'cn=A,dc=elsewhere'],
  ]
  for (const [what, changes, reason, name] of refused) {
    it(`refuses ${what}`, () => {
      const contact = readContact(record({ ...changes, ...(name && { name: '' }) }, name), base)
      assert('reason' in contact)
      assert.match(contact.reason, reason)
    })
  }

  const changed: [string, Record<string, string>, string[]][] = [
    ['nothing', {}, []],
    [
      'another order',
      { proxyaddresses: 'smtp:internetuser@xo.one; SMTP:internetUser@remote.domain' },
      [],
    ],
    [
      'another primary',
      { proxyaddresses: 'smtp:internetUser@remote.domain; SMTP:internetuser@xo.one' },
      ['proxyaddresses'],
    ],
    ['a value less', { mail: '' }, ['mail']],
    ['a value more', { description: 'kept' }, []],
    ['the class', { objectclass: 'top; person; contact' }, []],
    ['the name', { cn: 'internet user' }, []],
  ]
  for (const [what, object, names] of changed) {
    it(`compares: ${what}`, () => {
      const contact = readContact(record(), base)
      assert(!('reason' in contact))
      assert.deepEqual([...differences(contact, record(object).attributes).keys()], names)
    })
  }
})

describe('contacts that are written', () => {
  const values = [
    'plain',
    'semi;colon',
    'back\\slash\\',
    'a\\;b',
    ' blanks ',
    "X'41'",
    'quo"te, comma',
    'two\nlines',
    'Jürgen Groß',
    ': colon',
    '< less',
    'ä'.repeat(100),
    `long ${'x'.repeat(200)}`,
  ]
  const object = {
    dn: 'cn=Groß\\, Jürgen,dc=xo,dc=one',
    attributes: new Map([
      ['objectclass', ['contact']],
      ['proxyaddresses', values],
      ['mailnickname', ['nick']],
    ]),
  }
  for (const [format, read] of [
    ['csvde', readCsvde],
    ['ldif', readLdif],
  ] as const) {
    it(`are read back the same: ${format}`, async () => {
      const writer = objectWriters[format]
      const rows: Row[] = []
      for await (const some of read([
        writer.head,
        writer.write(object),
        writer.write({ ...object, dn: 'cn=2' }),
      ])) {
        rows.push(...some)
      }
      const [first, second] = rows
      assert(first?.kind === 'record' && second?.kind === 'record', JSON.stringify(rows))
      assert.deepEqual([first.dn, second.dn], [object.dn, 'cn=2'])
      assert.deepEqual(first.attributes, object.attributes)
    })
  }
})
