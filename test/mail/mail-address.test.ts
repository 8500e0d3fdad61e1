import assert from 'node:assert/strict'

import {
  formatMailAddress,
  mailAddress,
  normalizeDomain,
  parseMailAddress,
  splitSubAddress,
} from '../../plugins/mail/mail-address.js'

describe('domains beyond ASCII', () => {
  const cases: [domain: string, expected: string | undefined][] = [
    ['müller.example', 'xn--mller-kva.example'],
    ['MÜLLER.EXAMPLE', 'xn--mller-kva.example'],
    ['例.example', 'xn--fsq.example'],
    // the converter would end the host there, or let the sign through (found by the fuzzer)
    ['example.com#ü', undefined],
    ['example.com/ü', undefined],
    ['example.com?ü', undefined],
    ['ü:25', undefined],
    ['ü*.example', undefined],
    ['"ü".example', undefined],
    ['a.ü,b.example', undefined],
    ['ü{address}.example', undefined],
    ['ü example.com', undefined],
    ['ü..example', undefined],
    ['ü.example.', undefined],
    ['xn--\u212a\u3002', undefined],
    ['③', undefined],
    ['１２７.0.0.1', undefined],
  ]
  for (const [domain, expected] of cases) {
    it(`${JSON.stringify(domain)}: ${expected ?? 'none'}`, () => {
      assert.equal(normalizeDomain(domain), expected)
    })
  }

  it('count with the octets of their A-labels', () => {
    assert.ok(parseMailAddress(`${'x'.repeat(240)}@ü.example`) === undefined)
    assert.ok(parseMailAddress(`${'x'.repeat(60)}@ü.example`))
  })
})

describe('mail address', () => {
  const readable: [text: string, key: string][] = [
    ['anna@example.com', 'anna@example.com'],
    ['Anna.Berg@EXAMPLE.com', 'anna.berg@example.com'],
    ['"anna"@example.com', 'anna@example.com'],
    ['"anna berg"@example.com', 'anna berg@example.com'],
    ['"a\\"b\\\\c"@example.com', 'a"b\\c@example.com'],
    ['"a@b"@example.com', 'a@b@example.com'],
    ['anna@[192.0.2.1]', 'anna@[192.0.2.1]'],
    ['anna@[IPv6:2001:db8::1]', 'anna@[ipv6:2001:db8::1]'],
    ['anna@bücher.example', 'anna@xn--bcher-kva.example'],
    ['JÜRGEN@example.com', 'jürgen@example.com'],
    ['Ju\u0308rgen@example.com', 'jürgen@example.com'],
    ["o'neill+x=y@example.com", "o'neill+x=y@example.com"],
  ]
  for (const [text, key] of readable) {
    it(`reads ${text}`, () => assert.equal(parseMailAddress(text)?.key, key))
  }

  const unreadable = [
    '',
    'anna',
    '@example.com',
    'anna@',
    'anna@example..com',
    'anna@-example.com',
    'anna@example.com.',
    '.anna@example.com',
    'an..na@example.com',
    'anna berg@example.com',
    '"anna@example.com',
    '"an"na"@example.com',
    '"anna\\"@example.com',
    'anna@exa mple.com',
    'anna\r\n@example.com',
    'an\u0000na@example.com',
    '<anna@example.com>',
    `${'a'.repeat(250)}@example.com`,
  ]
  for (const text of unreadable) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.equal(parseMailAddress(text), undefined)
    })
  }

  const written: [local: string, text: string][] = [
    ['anna', 'anna@example.com'],
    ['Anna+tag', 'Anna+tag@example.com'],
    ['anna berg', '"anna berg"@example.com'],
    ['a"b\\c', '"a\\"b\\\\c"@example.com'],
    ['"quoted"', '"\\"quoted\\""@example.com'],
    ['.anna', '".anna"@example.com'],
    ['', '""@example.com'],
  ]
  for (const [local, text] of written) {
    it(`writes the local part ${local || '(empty)'} so that it reads back`, () => {
      const address = mailAddress(local, 'example.com')
      assert.equal(formatMailAddress(address), text)
      assert.equal(parseMailAddress(text)?.local, local)
    })
  }

  it('writes the bare postmaster without a domain', () => {
    assert.equal(formatMailAddress(mailAddress('postmaster', '')), 'postmaster')
  })

  it('makes no address of a number', () => assert.equal(normalizeDomain('1'), '1'))

  const tagged: [local: string, base: string | undefined, tag: string | undefined][] = [
    ['anna+shop', 'anna', '+shop'],
    ['anna+a+b', 'anna', '+a+b'],
    ['anna+', 'anna', '+'],
    ['+anna', undefined, undefined],
    ['anna', undefined, undefined],
  ]
  for (const [local, base, tag] of tagged) {
    it(`splits ${local} at the delimiter`, () => {
      const split = splitSubAddress(mailAddress(local, 'example.com'), '+')
      assert.deepEqual([split?.base.local, split?.tag], [base, tag])
    })
  }

  it('splits nothing without a delimiter', () => {
    assert.equal(splitSubAddress(mailAddress('anna+shop', 'example.com'), ''), undefined)
  })
})
