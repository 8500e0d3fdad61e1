import assert from 'node:assert/strict'

import { listsOf, LoopTokens, wayTo } from '../../plugins/loop/tokens.js'
import { parseSmartHost, type SmartHost } from '../../plugins/mail/smart-host.js'

const secret = 'k'.repeat(43)
const tokens = new LoopTokens([secret])
const body = (field: string): string => field.slice(field.indexOf(':') + 1)
const read = (fields: string[], by = tokens) => by.reader(fields) ?? (() => false)
const fieldFor = (...keys: string[]): string[] => tokens.fields('mx1', 'unix', keys).map(body)

describe('loop field', () => {
  it('is recognised for the same recipient and connector only', () => {
    const seen = read(fieldFor('anna@example.com', 'paul@example.com'))
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
    const seen = read(fields.map(body))
    assert.ok(keys.every((key) => seen('unix', key)))
  })

  it('survives a relay that unfolds or folds anew', () => {
    const [field = ''] = fieldFor('anna@example.com', 'paul@example.com')
    for (const text of [field.replace(/\r\n/gu, ''), field.replace(/ /gu, '\r\n ')]) {
      assert.equal(read([text])('unix', 'paul@example.com'), true)
    }
  })

  it('recognises every secret of the file and signs with the first', () => {
    const both = new LoopTokens(['n'.repeat(43), secret])
    assert.equal(read(fieldFor('a@example.com'), both)('unix', 'a@example.com'), true)
    const [signed = ''] = both.fields('mx1', 'unix', ['a@example.com']).map(body)
    assert.equal(read([signed])('unix', 'a@example.com'), false)
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
      assert.equal(read(fields)('unix', 'anna@example.com'), false)
    })
  }

  it('is found among strange fields', () => {
    const seen = read([...strange.flatMap(([, fields]) => fields), real])
    assert.equal(seen('unix', 'anna@example.com'), true)
  })

  it('takes a list’s copy for another message, and the list’s own copy for the same', () => {
    const list = listsOf(['All of us <staff.example.com>'])
    const copy = tokens.fields('mx1', 'unix', ['anna@example.com'], list).map(body)
    assert.equal(tokens.reader(copy)?.('unix', 'anna@example.com'), false)
    assert.equal(tokens.reader(copy, list)?.('unix', 'anna@example.com'), true)
    assert.equal(
      tokens.reader(fieldFor('anna@example.com'), list)?.('unix', 'anna@example.com'),
      false,
    )
  })
})

describe('mailing lists of a message', () => {
  const cases: [name: string, fields: string[], lists: string][] = [
    ['none', [], ''],
    ['a field that is no List-Id', ['staff'], ''],
    [
      'phrase and folding do not count',
      [' "The <sta', ' Staff\r\n\t<Staff.\r\n\texample.com>'],
      'staff.example.com',
    ],
    [
      'nested lists, in any order',
      ['<b.example>', '<a.example>', '<b.example>'],
      'a.example b.example',
    ],
    ['a long one is cut', [`<${'x'.repeat(10_000)}>`], 'x'.repeat(255)],
    ['many are cut', Array.from({ length: 500 }, () => '<a.example>'), 'a.example'],
  ]
  for (const [name, fields, lists] of cases) {
    it(name, () => assert.equal(listsOf(fields), lists))
  }
})

describe('the way that a token names', () => {
  const hosts = (...texts: string[]): SmartHost[] =>
    texts.flatMap((text) => parseSmartHost(text) ?? [])
  const unix = { kind: 'connector', connector: 'unix' } as const

  it('is the same in whatever order the hosts stand', () => {
    assert.equal(
      wayTo(unix, hosts('[192.0.2.1]', 'mx.example:2525')),
      wayTo(unix, hosts('mx.example:2525', '[192.0.2.1]')),
    )
  })

  it('is another one for other hosts, another connector, a mailbox host of the same name', () => {
    const ways = [
      wayTo(unix, hosts('[192.0.2.1]')),
      wayTo(unix, hosts('[192.0.2.2]')),
      wayTo(unix, []),
      wayTo({ kind: 'connector', connector: 'remote' }, hosts('[192.0.2.1]')),
      wayTo({ kind: 'mailbox-host', directory: 'unix' }, hosts('[192.0.2.1]')),
    ]
    assert.equal(new Set(ways).size, ways.length)
  })
})
