/** What every back-end promises, asked of the objects in people.ts. */
import assert from 'node:assert/strict'

import { mailAddress, parseMailAddress, type MailAddress } from '../../plugins/mail/mail-address.js'
import type { DirectorySet } from '../../plugins/directory/open.js'
import { activeDirectory, type Schema } from '../../plugins/directory/schema.js'

type Expected =
  | { readonly cn: string; readonly targetAddress?: string; readonly isContact?: boolean }
  | 'none'
  | 'ambiguous'

const long = `${'l'.repeat(64)}@${'d'.repeat(60)}.${'d'.repeat(60)}.${'d'.repeat(50)}.example`
const odd = { cn: 'Odd, "Signs" + more' }
const buch = { cn: 'Bücher', targetAddress: 'buch@remote.domain', isContact: true }

const cases: readonly (readonly [string | MailAddress, Expected])[] = [
  [
    'internetuser@xo.one',
    { cn: 'Internet User', targetAddress: 'internetUser@remote.domain', isContact: true },
  ],
  [
    'INTERNETUSER@REMOTE.DOMAIN',
    { cn: 'Internet User', targetAddress: 'internetUser@remote.domain', isContact: true },
  ],
  ['anna@example.com', { cn: 'Anna' }],
  ['Anna.B@EXAMPLE.com', { cn: 'Anna' }],
  ['anna.mail@example.com', 'none'],
  ['anna.sip@example.com', 'none'],
  ['plain@example.com', { cn: 'Plain' }],
  ['empty@example.com', { cn: 'Empty', isContact: true }],
  ['mailuser@example.com', { cn: 'Mail User', targetAddress: 'mailuser@remote.domain' }],
  ['mailuser@remote.domain', 'none'],
  ['twin1@example.com', { cn: 'Twin 1' }],
  ['twins@example.com', 'ambiguous'],
  ['nobody@example.com', 'none'],
  ['nna@example.com', 'none'],
  ['anna@example.co', 'none'],
  ['a*b@example.com', odd],
  ['*@example.com', 'none'],
  ['a*@example.com', 'none'],
  [mailAddress('(x)', 'example.com'), odd],
  [mailAddress('quo"te', 'example.com'), odd],
  [mailAddress('back\\slash', 'example.com'), odd],
  [mailAddress('a b', 'example.com'), odd],
  [mailAddress('a  b', 'example.com'), 'none'],
  ['JÜRGEN@example.com', odd],
  ['jurgen@example.com', 'none'],
  ["o'hara&co=1/2@example.com", odd],
  [long, odd],
  [long.slice(1), 'none'],
  [mailAddress('x)(proxyAddresses=*', 'example.com'), 'none'],
  [mailAddress('*))(|(objectClass=*', 'example.com'), 'none'],
  [mailAddress('anna\0', 'example.com'), 'none'],
  [mailAddress('anna\\00', 'example.com'), 'none'],
  [mailAddress(' anna', 'example.com'), 'none'],
  ['buch@bücher.example', buch],
  ['buch2@BÜCHER.example', buch],
  [mailAddress('postmaster', ''), 'none'],
]

/** Servers escape a name each in its own way (RFC 4514 2.4). */
function plainDn(dn: string): string {
  return dn
    .replace(/(?:\\[0-9a-f]{2})+/giu, (octets) =>
      Buffer.from(octets.replaceAll('\\', ''), 'hex').toString(),
    )
    .replace(/\\(.)/gu, '$1')
    .toLowerCase()
}

/** As a schema other than Active Directory's has it: ASCII, no class of contacts. */
function inOtherSchema(asked: MailAddress, expected: Expected, schema: Schema): Expected {
  if (asked.key.startsWith('jürgen@') || asked.key === 'buch@xn--bcher-kva.example') return 'none'
  if (typeof expected === 'string') return expected
  const { cn, targetAddress } = expected
  return { cn, ...(schema.target !== '' && targetAddress !== undefined && { targetAddress }) }
}

/** Registers the suite; `directories` is asked when the tests run. */
export function directoryContract(
  directories: () => DirectorySet,
  schema: Schema = activeDirectory,
): void {
  const find = async (address: string | MailAddress): Promise<void> => {
    const asked = typeof address === 'string' ? parseMailAddress(address) : address
    assert(asked)
    const written = cases.find(([candidate]) => candidate === address)?.[1] ?? 'none'
    const expected = schema === activeDirectory ? written : inOtherSchema(asked, written, schema)
    const lookup = await directories().find(asked)
    const shown = JSON.stringify(lookup)
    if (expected === 'none' || expected === 'ambiguous') {
      assert.equal(lookup.kind, expected, shown)
      return
    }
    assert(lookup.kind === 'found' && expected, shown)
    const { entry } = lookup
    assert(plainDn(entry.dn).startsWith(`cn=${expected.cn},`.toLowerCase()), shown)
    assert(entry.addresses.includes(asked.key), shown)
    assert.equal(entry.targetAddress, expected.targetAddress, shown)
    assert.equal(entry.isContact, expected.isContact ?? false, shown)
  }

  for (const [address, expected] of cases) {
    const name = typeof address === 'string' ? address : address.key
    const answer = typeof expected === 'string' ? expected : expected.cn
    it(`${JSON.stringify(name)} → ${answer}`, () => find(address))
  }

  it('answers all of them asked at once', async () => {
    await Promise.all(cases.map(([address]) => find(address)))
  })

  // other schemas have no primary address
  if (schema === activeDirectory)
    it('tells the primary address as it is written', async () => {
      const lookup = await directories().find(mailAddress('anna.b', 'example.com'))
      assert(lookup.kind === 'found')
      assert.equal(lookup.entry.primary, 'Anna@Example.com')
    })

  it('tells the objects of an ambiguous address', async () => {
    const lookup = await directories().find(mailAddress('twins', 'example.com'))
    assert(lookup.kind === 'ambiguous')
    assert.deepEqual(lookup.dns.map((dn) => dn.slice(0, 9).toLowerCase()).sort(), [
      'cn=twin 1',
      'cn=twin 2',
    ])
  })
}
