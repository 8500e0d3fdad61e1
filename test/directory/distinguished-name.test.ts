import assert from 'node:assert/strict'

import { dnKey, firstPart, isBelow } from '../../plugins/directory/distinguished-name.js'

describe('distinguished names', () => {
  const same: [string, string][] = [
    ['CN=Anna,DC=Example', 'cn=anna,dc=example'],
    ['cn = Anna , dc = example', 'cn=anna,dc=example'],
    ['cn=Example\\, Anna,dc=example', 'CN=Example\\, Anna, DC=example'],
    ['cn=Example\\, Anna,dc=example', 'cn=Example\\2C Anna,dc=example'],
    ['cn="Example, Anna",dc=example', 'cn=Example\\2c Anna,dc=example'],
    ['cn=J\\C3\\BCrgen,dc=x', 'cn=Jürgen,dc=x'],
    ['cn=Jürgen,dc=x', 'cn=Ju\u0308rgen,dc=x'],
    ['cn=a+sn=b,dc=x', 'SN = B + CN = A , DC=x'],
    ['cn=a \\+ b,dc=x', 'cn=a \\2B b,dc=x'],
    ['cn=\\#1 \\<a\\>\\;\\=\\"\\\\,dc=x', 'cn=\\231 \\3Ca\\3E\\3B\\3D\\22\\5C,dc=x'],
    ['cn=a  b,dc=x', 'cn=a b,dc=x'],
    ['OID.2.5.4.3=a,dc=x', '2.5.4.3=a,dc=x'],
  ]
  for (const [one, other] of same) {
    it(`${one} is ${other}`, () => assert.equal(dnKey(one), dnKey(other)))
  }

  const others: [string, string][] = [
    ['cn=a\\,b,dc=x', 'cn=a,b=dc,dc=x'],
    ['cn=a+sn=b,dc=x', 'cn=a,sn=b,dc=x'],
    ['cn=a\\\\,dc=x', 'cn=a\\,dc=x'],
    ['no name', 'No name'],
    ['line 3', 'line 4'],
  ]
  for (const [one, other] of others) {
    it(`${one} is not ${other}`, () => assert.notEqual(dnKey(one), dnKey(other)))
  }

  it('tells what lies below', () => {
    assert(isBelow('cn=A,OU=Staff,dc=corp,dc=example', 'DC=corp, DC=example'))
    assert(!isBelow('dc=corp,dc=example', 'dc=corp,dc=example'))
    assert(!isBelow('cn=A,dc=mycorp,dc=example', 'dc=corp,dc=example'))
    assert(!isBelow('cn=A\\,dc=corp', 'dc=corp'))
  })

  const parts: [string, { attribute: string; value: string } | undefined][] = [
    ['CN=Anna,dc=example', { attribute: 'cn', value: 'Anna' }],
    ['cn=Example\\, Anna,dc=x', { attribute: 'cn', value: 'Example, Anna' }],
    ['cn=J\\C3\\BCrgen,dc=x', { attribute: 'cn', value: 'Jürgen' }],
    ['cn=Jürgen,dc=x', { attribute: 'cn', value: 'Jürgen' }],
    ['Anna', undefined],
    ['cn=,dc=x', undefined],
    ['', undefined],
  ]
  for (const [dn, part] of parts) {
    it(`reads the first part of \`${dn}\``, () => assert.deepEqual(firstPart(dn), part))
  }
})
