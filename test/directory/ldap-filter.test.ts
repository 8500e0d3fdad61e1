import assert from 'node:assert/strict'

import { BerReader, BerWriter, FilterParser } from 'ldapts'

import { mailAddress, type MailAddress } from '../../plugins/mail/mail-address.js'
import { parseFilterTemplate } from '../../plugins/directory/filter-template.js'
import { filterFor } from '../../plugins/directory/ldap/filter.js'

/** As a server reads it: written in BER, read again, shown as RFC 4515 text. */
function asServer(template: string, ...addresses: MailAddress[]): string {
  const writer = new BerWriter()
  filterFor(parseFilterTemplate(template), addresses).write(writer)
  return FilterParser.parse(new BerReader(writer.buffer)).toString()
}

const template = '(&(objectClass=person)(proxyaddresses=smtp:{address}))'
const one = (value: string): string => `(&(objectclass=person)(proxyaddresses=smtp:${value}))`

describe('LDAP filter', () => {
  const cases: readonly (readonly [string, MailAddress[], string])[] = [
    ['an address', [mailAddress('Anna', 'example.com')], one('Anna@example.com')],
    ['signs of filters', [mailAddress('*a', 'x')], one('\\2aa@x')],
    [
      'signs that mail quotes, in both spellings',
      [mailAddress('*)(\\', 'x')],
      `(|${one('\\2a\\29\\28\\5c@x')}${one('"\\2a\\29\\28\\5c\\5c"@x')})`,
    ],
    [
      'a quote, in both spellings',
      [mailAddress('a b', 'x')],
      `(|${one('a b@x')}${one('"a b"@x')})`,
    ],
    [
      'an internationalised domain, in both spellings',
      [mailAddress('a', 'xn--bcher-kva.example')],
      `(|${one('a@xn--bcher-kva.example')}${one('a@bücher.example')})`,
    ],
    [
      'several addresses',
      [mailAddress('a', 'x'), mailAddress('b', 'y')],
      `(|${one('a@x')}${one('b@y')})`,
    ],
    ['no domain', [mailAddress('postmaster', '')], one('postmaster')],
  ]
  for (const [what, addresses, expected] of cases) {
    it(`asks for ${what}`, () => assert.equal(asServer(template, ...addresses), expected))
  }

  it('keeps a value whole: NUL, UTF-8, 255 octets', () => {
    for (const local of ['a\0b', 'jürgen', '漢字', 'x'.repeat(243)]) {
      const writer = new BerWriter()
      const address = mailAddress(local, 'example.com')
      filterFor(parseFilterTemplate('(mail={user})'), [address]).write(writer)
      assert(writer.buffer.includes(Buffer.from(local)))
    }
  })
})
