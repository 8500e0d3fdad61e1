import assert from 'node:assert/strict'

import { toEntry } from '../../plugins/directory/entry.js'

type Attributes = Record<string, readonly string[]>

const read = (attributes: Attributes): ReturnType<typeof toEntry> =>
  toEntry('cn=x', new Map(Object.entries(attributes)))

describe('entry', () => {
  const addresses: readonly (readonly [string, Attributes, readonly string[]])[] = [
    [
      'smtp in any case',
      { proxyaddresses: ['SMTP:A@X', 'smtp:b@x', 'Smtp:c@x'] },
      ['a@x', 'b@x', 'c@x'],
    ],
    [
      'no other types',
      { proxyaddresses: ['X400:c=us', 'sip:a@x', 'x500:/o=a', 'SMTP:b@x'] },
      ['b@x'],
    ],
    ['values without a type', { proxyaddresses: ['a@x'] }, ['a@x']],
    ['an address once', { proxyaddresses: ['SMTP:a@x', 'smtp:A@X'] }, ['a@x']],
    ['mail where proxyAddresses is absent', { mail: ['a@x', 'b@x'] }, ['a@x', 'b@x']],
    ['mail where proxyAddresses is blank', { proxyaddresses: [' '], mail: ['a@x'] }, ['a@x']],
    [
      'no mail where proxyAddresses has one',
      { proxyaddresses: ['smtp:b@x'], mail: ['a@x'] },
      ['b@x'],
    ],
    [
      'mail where proxyAddresses has other types only',
      { proxyaddresses: ['sip:a@x'], mail: ['a@x'] },
      ['a@x'],
    ],
    [
      'several in one value',
      { proxyaddresses: ['SMTP:a@x smtp:b@x;c@x|smtp:d@x,e@x'] },
      ['a@x', 'b@x', 'c@x', 'd@x', 'e@x'],
    ],
    [
      'what stands beside other types',
      { proxyaddresses: ['X400:c=us;a= ;p=o|SMTP:a@x', 'sip:b@x,smtp:c@x'] },
      ['a@x', 'c@x'],
    ],
    ['mailto', { mail: ['mailto:a@x'] }, ['a@x']],
    ['quoted local parts', { mail: ['"a b"@x'] }, ['a b@x']],
    ['local parts that SMTP quotes', { mail: ['a..b@x', '.e@x'] }, ['a..b@x', '.e@x']],
    ['domains as A-labels', { mail: ['a@BÜCHER.example'] }, ['a@xn--bcher-kva.example']],
    ['composed letters', { mail: ['u\u0308@x'] }, ['ü@x']],
    ['nothing', {}, []],
  ]
  for (const [what, attributes, expected] of addresses) {
    it(`takes ${what}`, () => assert.deepEqual(read(attributes).entry.addresses, expected))
  }

  it('tells what is no address', () => {
    const { entry, faults } = read({
      proxyaddresses: ['smtp:nobody', 'smtp:@x', 'smtp:a\ufffdb@x', 'smtp:a@b c', 'smtp:good@x'],
    })
    assert.deepEqual(entry.addresses, ['good@x'])
    assert.equal(faults.length, 4)
    assert.deepEqual(faults[0], {
      reason: 'proxyAddresses: expected an address, got `smtp:nobody`',
      value: 'smtp:nobody',
      ofTarget: false,
    })
  })

  it('tells a target that is damaged, and none that is of another type', () => {
    const faultsOf = (target: string) => read({ targetaddress: [target] }).faults
    assert.deepEqual(faultsOf('SMTP:a@x'), [])
    assert.deepEqual(faultsOf('X400:c=us'), [])
    assert.equal(faultsOf('SMTP:a@x smtp:b@x')[0]?.ofTarget, true)
    assert.equal(faultsOf('System.Object[]')[0]?.ofTarget, true)
  })

  const primaries: readonly (readonly [Attributes, string | undefined])[] = [
    [{ proxyaddresses: ['smtp:b@x', 'SMTP:A@X'] }, 'A@X'],
    [{ proxyaddresses: ['smtp:b@x'] }, undefined],
    [{ mail: ['A@x'] }, 'A@x'],
  ]
  for (const [attributes, expected] of primaries) {
    it(`has the primary ${expected} of ${JSON.stringify(attributes)}`, () => {
      assert.equal(read(attributes).entry.primary, expected)
    })
  }

  const targets: readonly (readonly [readonly string[], string | undefined])[] = [
    [['SMTP:A@x'], 'A@x'],
    [['smtp: a@x '], 'a@x'],
    [['a@x'], 'a@x'],
    [['X400:c=us'], 'X400:c=us'],
    [['SMTP:a@x', 'a@x'], 'a@x'],
    [['SMTP:a@x', 'SMTP:b@x'], 'a@x, b@x'],
    [[' '], undefined],
    [[], undefined],
  ]
  for (const [values, expected] of targets) {
    it(`has the target ${expected} of ${JSON.stringify(values)}`, () => {
      assert.equal(read({ targetaddress: values }).entry.targetAddress, expected)
    })
  }

  it('is a contact by its class, in any case', () => {
    assert.equal(read({ objectclass: ['top', 'person', 'Contact'] }).entry.isContact, true)
    assert.equal(read({ objectclass: ['top', 'user'] }).entry.isContact, false)
    assert.equal(read({}).entry.isContact, false)
  })
})
