import assert from 'node:assert/strict'

import {
  AddressSpaceTable,
  covers,
  parseAddressSpace,
  type AddressSpace,
} from '../../plugins/mail/address-space.js'

const space = (text: string): AddressSpace => {
  const parsed = parseAddressSpace(text, true)
  assert.ok(parsed, text)
  return parsed
}

describe('address space', () => {
  const table = new AddressSpaceTable<string>()
  for (const name of ['example.com', '*.example.com', '*.lab.example.com', 'a.lab.example.com']) {
    table.set(space(name), name)
  }
  const cases: [domain: string, most: string | undefined][] = [
    ['example.com', 'example.com'],
    ['mail.example.com', '*.example.com'],
    ['lab.example.com', '*.example.com'],
    ['b.lab.example.com', '*.lab.example.com'],
    ['c.b.lab.example.com', '*.lab.example.com'],
    ['a.lab.example.com', 'a.lab.example.com'],
    ['notexample.com', undefined],
    ['com', undefined],
    ['', undefined],
  ]
  for (const [domain, most] of cases) {
    it(`${domain || '(empty)'} belongs to ${most ?? 'none'}`, () => {
      assert.equal(table.find(domain), most)
    })
  }

  it('finds every space of a domain, the most specific first, `*` last', () => {
    const all = new AddressSpaceTable<string>()
    for (const name of ['*', '*.example.com', 'a.b.example.com', '*.b.example.com']) {
      all.set(space(name), name)
    }
    assert.deepEqual(all.findAll('a.b.example.com'), [
      'a.b.example.com',
      '*.b.example.com',
      '*.example.com',
      '*',
    ])
  })

  const none = ['', '*.', 'exa mple.com', '@example.com', 'example.com.', '*.*.com', '[10.0.0.1]']
  for (const text of none) {
    it(`refuses ${text || '(empty)'}`, () => {
      assert.equal(parseAddressSpace(text, true), undefined)
    })
  }

  it('takes `*` only where it is one', () => {
    assert.equal(parseAddressSpace('*', false), undefined)
    assert.equal(parseAddressSpace('*', true)?.kind, 'all')
  })

  const coverage: [outer: string, inner: string, covered: boolean][] = [
    ['*', '*.example.com', true],
    ['example.com', 'example.com', true],
    ['example.com', '*.example.com', false],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '*.example.com', true],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', '*.a.example.com', true],
    ['*.a.example.com', '*.example.com', false],
    ['*.example.com', 'notexample.com', false],
    ['example.com', '*', false],
    ['*.example.com', '*', false],
  ]
  for (const [outer, inner, covered] of coverage) {
    it(`${outer} ${covered ? 'covers' : 'does not cover'} ${inner}`, () => {
      assert.equal(covers(space(outer), space(inner)), covered)
    })
  }
})
