import assert from 'node:assert/strict'

import {
  canBeCombined,
  fillValue,
  parseFilterTemplate,
  type FilterTemplate,
} from '../../plugins/directory/filter-template.js'

const mail: FilterTemplate = { kind: 'equal', attribute: 'mail', value: '{address}' }
import { activeDirectory } from '../../plugins/directory/schema.js'

describe('filter template', () => {
  const read: readonly (readonly [string, FilterTemplate])[] = [
    ['(mail={address})', mail],
    [
      '(&(objectClass=*)(|(mail={address})(!(uid<={user}))))',
      {
        kind: 'and',
        filters: [
          { kind: 'present', attribute: 'objectClass' },
          {
            kind: 'or',
            filters: [
              mail,
              { kind: 'not', filter: { kind: 'less', attribute: 'uid', value: '{user}' } },
            ],
          },
        ],
      },
    ],
    [
      '(proxyAddresses=*:{user}*)',
      { kind: 'substrings', attribute: 'proxyAddresses', parts: ['', ':{user}', ''] },
    ],
    ['(cn=\\28\\c3\\a4\\29{user})', { kind: 'equal', attribute: 'cn', value: '(ä){user}' }],
    [
      '(1.2.840.113556.1.4.1;lang-de~={user})',
      { kind: 'approximate', attribute: '1.2.840.113556.1.4.1;lang-de', value: '{user}' },
    ],
    [
      '(memberOf:dn:1.2.840.113556.1.4.1941:={user})',
      {
        kind: 'extensible',
        attribute: 'memberOf',
        dn: true,
        rule: '1.2.840.113556.1.4.1941',
        value: '{user}',
      },
    ],
  ]
  for (const [text, expected] of read) {
    it(`reads ${text}`, () => assert.deepEqual(parseFilterTemplate(text), expected))
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['mail={address}', /`\(` at position 1/u],
    ['(mail={address}', /`\)` at its end/u],
    ['(mail={address}))', /its end at position 17/u],
    ['(&(mail={address})', /`\)` at position 19/u],
    ['(&)(mail={address})', /a filter after `\(&`/u],
    ['(!(a=b)(mail={address}))', /one filter after `\(!`/u],
    ['(mail {address})', /attribute=value where `mail \{address\}` stands/u],
    ['(mail=(x){address})', /`\\28` for `\(`/u],
    ['(mail=\\zz{address})', /`\\5c` for/u],
    ['(mail=%s)', /\{address\} or \{user\} in it/u],
    [
      '(mail={address}@{host})',
      /no placeholder \{host\}: expected \{address\}, \{user\}, \{domain\}/u,
    ],
  ]
  for (const [text, expected] of refused) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseFilterTemplate(text), { message: expected })
    })
  }

  const combined: readonly (readonly [string, boolean])[] = [
    ['(proxyAddresses=smtp:{address})', true],
    ['(ProxyAddresses=SMTP:{address})', true],
    ['(|(proxyAddresses=smtp:{address})(mail={address}))', true],
    ['(&(objectClass=user)(!(disabled=TRUE))(proxyAddresses=smtp:{address}))', true],
    // an object may own two of the addresses asked for, and match for one of them only
    ['(mail={address})', false],
    ['(&(proxyAddresses=smtp:{address})(!(cn={user})))', false],
    ['(&(proxyAddresses=smtp:{address})(department={domain}))', false],
    ['(!(proxyAddresses=smtp:{address}))', false],
    ['(proxyAddresses=*{address})', false],
    ['(proxyAddresses={address})', false],
    ['(|(objectClass=user)(proxyAddresses=smtp:{address}))', false],
  ]
  for (const [text, expected] of combined) {
    it(`${expected ? 'combines' : 'does not combine'} addresses in ${text}`, () => {
      assert.equal(canBeCombined(parseFilterTemplate(text), activeDirectory), expected)
    })
  }

  it('fills in values as they are, once', () => {
    const values = { address: '*)(uid={user}', user: '$&', domain: '{address}' }
    assert.equal(fillValue('a{address}b{user}c{domain}', values), 'a*)(uid={user}b$&c{address}')
  })
})
