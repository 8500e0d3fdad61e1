import assert from 'node:assert/strict'

import { lookalikes, readAddressValue } from '../../plugins/directory/address-values.js'

describe('address values', () => {
  const alike: [text: string, key: string][] = [
    ["cn=x,smtp:o'brien@x.test,y", "o'brien@x.test"],
    ['cn=x,smtp:anna(old)@x.test', 'anna(old)@x.test'],
    ['cn=x,smtp:"a b"@x.test,y', 'a b@x.test'],
    ["'anna@x.test'", 'anna@x.test'],
  ]
  for (const [text, key] of alike) {
    it(`${text} may hold ${key}`, () => assert.ok(lookalikes(text).includes(key)))
  }

  const links: [value: string, primary: boolean][] = [
    ['mailto:cora@x.test', false],
    ['SMTP:mailto:cora@x.test', true],
    ['smtp:mailto:cora@x.test', false],
    ['smtp:MAILTO: cora@x.test', false],
  ]
  for (const [value, isPrimary] of links) {
    it(`${value} is cora@x.test`, () => {
      assert.deepEqual(readAddressValue(value), {
        kind: 'addresses',
        addresses: [{ key: 'cora@x.test', text: 'cora@x.test', isPrimary }],
      })
    })
  }

  it('takes mailto: off in values that are joined', () => {
    const read = readAddressValue('SMTP:mailto:a@x.test smtp:mailto:b@x.test,mailto:c@x.test')
    assert.equal(read.kind, 'addresses')
    assert.deepEqual(read.kind === 'addresses' && read.addresses.map(({ key }) => key), [
      'a@x.test',
      'b@x.test',
      'c@x.test',
    ])
  })

  it('takes it off once, and nothing from behind an address', () => {
    assert.equal(readAddressValue('smtp:mailto:mailto:a@x.test').kind, 'fault')
    assert.equal(readAddressValue('smtp:a:mailto:b@x.test').kind, 'fault')
  })
})
