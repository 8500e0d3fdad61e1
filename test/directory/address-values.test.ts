import assert from 'node:assert/strict'

import { lookalikes } from '../../plugins/directory/address-values.js'

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
})
