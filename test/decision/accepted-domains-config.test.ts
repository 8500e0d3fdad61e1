import assert from 'node:assert/strict'

import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { ConfigError } from '../../plugins/config/settings.js'

const parse = (text: string): ReturnType<typeof parseAcceptedDomains> =>
  parseAcceptedDomains(text.split('\n'))

describe('accepted-domains.ini', () => {
  it('files every domain with its type', () => {
    const { table, postmaster, recipientDelimiter } = parse(
      `
authoritative = example.local
shared = Example.com, *.example.com
shared[] = bücher.example
relay = partner.example
observe = watched.example
postmaster = Admin@example.local
recipient_delimiter = -
`.replace('shared = Example.com, *.example.com', 'shared[] = Example.com, *.example.com'),
    )
    const kind = (domain: string): string => {
      const found = table.find(domain)
      return found ? `${found.type}${found.observe ? ' observed' : ''}` : 'none'
    }
    assert.equal(kind('example.local'), 'authoritative')
    assert.equal(kind('example.com'), 'shared')
    assert.equal(kind('a.b.example.com'), 'shared')
    assert.equal(kind('xn--bcher-kva.example'), 'shared')
    assert.equal(kind('partner.example'), 'relay')
    assert.equal(kind('watched.example'), 'shared observed')
    assert.equal(kind('other.example'), 'none')
    assert.equal(postmaster.key, 'admin@example.local')
    assert.equal(recipientDelimiter, '-')
  })

  const wrong: [text: string, errors: string[]][] = [
    [
      'shared = a.example',
      [
        'accepted-domains.ini postmaster: expected the address that mail for postmaster goes to, got nothing',
      ],
    ],
    [
      'postmaster = a@b.example',
      [
        'accepted-domains.ini: expected at least one address space in authoritative, shared, relay or observe, got none',
      ],
    ],
    [
      'shared = *\npostmaster = a@b.example',
      ['accepted-domains.ini shared: expected a domain or *.domain, got `*`'],
    ],
    [
      'shared = a.example\nrelay = A.example\npostmaster = a@b.example',
      [
        'accepted-domains.ini relay: expected an address space that stands in one list only (shared has it), got `A.example`',
      ],
    ],
    [
      'shared = a.example\nshared_domains = b.example\npostmaster = nobody\nrecipient_delimiter = ab\n[x]\ny = 1',
      [
        'accepted-domains.ini [x]: unknown section; expected [harvesting] or none',
        'accepted-domains.ini postmaster: expected the address that mail for postmaster goes to, got `nobody`',
        'accepted-domains.ini recipient_delimiter: expected one sign such as + or -, got `ab`',
        'accepted-domains.ini shared_domains: unknown key; expected one of authoritative, observe, postmaster, recipient_delimiter, relay, shared',
      ],
    ],
  ]
  for (const [text, errors] of wrong) {
    it(`reports ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parse(text),
        (error) =>
          error instanceof ConfigError && assert.deepEqual(error.errors, errors) === undefined,
      )
    })
  }
})
