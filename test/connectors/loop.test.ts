import assert from 'node:assert/strict'

import { LoopTokens } from '../../plugins/connectors/loop.js'

const secret = 'k'.repeat(43)
const tokens = new LoopTokens([secret])
const body = (field: string): string => field.slice(field.indexOf(':') + 1)
const fieldFor = (...keys: string[]): string[] => tokens.fields('mx1', 'unix', keys).map(body)

describe('loop field', () => {
  it('is recognised for the same recipient and connector only', () => {
    const seen = tokens.reader(fieldFor('anna@example.com', 'paul@example.com'))
    assert.equal(seen('unix', 'anna@example.com'), true)
    assert.equal(seen('unix', 'paul@example.com'), true)
    assert.equal(seen('unix', 'eva@example.com'), false)
    assert.equal(seen('remote', 'anna@example.com'), false)
  })

  it('reads nothing of the recipient from the field', () => {
    assert.match(fieldFor('anna@example.com').join(''), /^ mx1;\r\n\t[\w-]{22}$/u)
  })

  it('has no line over 998 octets and is read back, for 500 recipients', () => {
    const keys = Array.from({ length: 500 }, (_, index) => `user${index}@example.com`)
    const fields = tokens.fields('mx1', 'unix', keys)
    for (const line of fields.flatMap((field) => field.split('\r\n'))) assert.ok(line.length < 998)
    const seen = tokens.reader(fields.map(body))
    assert.ok(keys.every((key) => seen('unix', key)))
  })

  it('survives a relay that unfolds or folds anew', () => {
    const [field = ''] = fieldFor('anna@example.com', 'paul@example.com')
    for (const text of [field.replace(/\r\n/gu, ''), field.replace(/ /gu, '\r\n ')]) {
      assert.equal(tokens.reader([text])('unix', 'paul@example.com'), true)
    }
  })

  it('recognises every secret of the file and signs with the first', () => {
    const both = new LoopTokens(['n'.repeat(43), secret])
    assert.equal(both.reader(fieldFor('a@example.com'))('unix', 'a@example.com'), true)
    const [signed = ''] = both.fields('mx1', 'unix', ['a@example.com']).map(body)
    assert.equal(tokens.reader([signed])('unix', 'a@example.com'), false)
  })

  const [real = ''] = fieldFor('anna@example.com')
  const strange: [name: string, fields: string[]][] = [
    ['none', []],
    ['an empty one', ['']],
    ['a forged one', [' mx1; AAAAAAAAAAAAAAAAAAAAAA']],
    ['a truncated token', [real.slice(0, -1)]],
    ['a token with more behind it', [`${real}A`]],
    [
      'another secret',
      new LoopTokens(['x'.repeat(43)]).fields('mx1', 'unix', ['anna@example.com']),
    ],
    ['100 KB of tokens', [`mx1; ${'A'.repeat(22)} `.repeat(4000)]],
    ['100 KB with a real token', [`${real} ${'x'.repeat(100_000)}`]],
  ]
  for (const [name, fields] of strange) {
    it(`counts for nothing: ${name}`, () => {
      assert.equal(tokens.reader(fields)('unix', 'anna@example.com'), false)
    })
  }

  it('is found among strange fields', () => {
    const seen = tokens.reader([...strange.flatMap(([, fields]) => fields), real])
    assert.equal(seen('unix', 'anna@example.com'), true)
  })
})
