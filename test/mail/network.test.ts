import assert from 'node:assert/strict'

import { overlap, parseNetwork } from '../../plugins/mail/network.js'

describe('networks', () => {
  const cases: [network: string, ip: string, inside: boolean][] = [
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['192.0.2.0/24', '2001:db8::1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.99/24', '192.0.2.1', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:DB8:1::', true],
    ['[2001:db8::1]', '2001:db8:0::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:db8::/32', '', false],
  ]
  for (const [network, ip, inside] of cases) {
    it(`${network} ${inside ? 'has' : 'has not'} ${ip || 'nothing'}`, () => {
      assert.equal(parseNetwork(network)?.has(ip), inside)
    })
  }

  it('are told from other text', () => {
    for (const text of [
      '',
      'mail.example',
      '192.0.2',
      '192.0.2.1/33',
      '::/129',
      '1',
      '192.0.2.1/',
    ]) {
      assert.equal(parseNetwork(text), undefined, text)
    }
  })

  it('overlap when one has the other', () => {
    const [a, b, c] = ['40.92.0.0/15', '40.93.1.0/24', '41.0.0.0/8'].map(parseNetwork)
    assert.ok(a && b && c)
    assert.deepEqual([overlap(a, b), overlap(b, a), overlap(a, c)], [true, true, false])
  })
})
