import assert from 'node:assert/strict'

import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { RouteTable } from '../../plugins/decision/route.js'

const { connectors } = parseConnectorsConfig(
  `
[b-cheap]
address_spaces = example.com
cost = 5
[a-dear]
address_spaces = example.com, *.example.com
cost = 20
allow_relay = true
[a-cheap]
address_spaces = example.com
cost = 5
[lab]
address_spaces = *.lab.example.com
[rest]
address_spaces = *
cost = 1
allow_relay = true
`.split('\n'),
)
const table = new RouteTable(connectors.values())

describe('route', () => {
  const cases: [domain: string, stranger: boolean, expected: string][] = [
    ['example.com', false, 'connector a-cheap'],
    ['example.com', true, 'connector a-dear'],
    ['mail.example.com', true, 'connector a-dear'],
    ['x.lab.example.com', false, 'connector lab'],
    ['x.lab.example.com', true, 'closed lab'],
    ['lab.example.com', false, 'connector a-dear'],
    ['elsewhere.example', true, 'connector rest'],
    ['', false, 'connector rest'],
  ]
  for (const [domain, stranger, expected] of cases) {
    it(`${domain || '(none)'} for ${stranger ? 'a stranger' : 'a client'}: ${expected}`, () => {
      const route = table.choose(domain, stranger)
      assert.equal(`${route.kind} ${route.kind === 'none' ? '' : route.connector.name}`, expected)
    })
  }

  it('answers none where no connector serves the domain', () => {
    assert.deepEqual(new RouteTable([]).choose('example.com', false), { kind: 'none' })
  })

  it('says of every connector why it won or lost', () => {
    const verdicts = (domain: string, stranger: boolean): string[] =>
      table.consider(domain, stranger).map((row) => `${row.connector} ${row.space} ${row.verdict}`)
    assert.deepEqual(verdicts('example.com', false), [
      'a-cheap example.com chosen',
      'b-cheap example.com later name',
      'a-dear example.com higher cost',
      'rest * less specific',
    ])
    assert.deepEqual(verdicts('x.lab.example.com', true), [
      'lab *.lab.example.com closed to strangers',
      'a-dear *.example.com less specific',
      'rest * less specific',
    ])
  })
})
