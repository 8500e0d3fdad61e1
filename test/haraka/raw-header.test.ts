import assert from 'node:assert/strict'

import { restoreHeader, wireField } from '../../plugins/haraka/raw-header.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('the octets of a header', () => {
  it('a field comes back with its own octets, wherever it stands now', () => {
    const raw = bytes('A: 1\r\nB: b\xe4r\r\n\tm\xfcde\r\nC: 3\r\n')
    const list = ['X: new\n', 'A: 1\n', 'B: b\ufffdr\n\tm\ufffdde\n', 'Y: end\n']
    const { header, body } = restoreHeader(raw, 4, list, 'utf8')
    assert.equal(
      header.toString('latin1'),
      'X: new\r\nA: 1\r\nB: b\xe4r\r\n\tm\xfcde\r\nY: end\r\n\r\n',
    )
    assert.equal(body, undefined)
  })

  it('lines that were not parsed follow the last field that was', () => {
    const raw = bytes('A: 1\r\nB: 2\r\n 3\r\nC: 4\r\n')
    const { header } = restoreHeader(raw, 2, ['A: 1\n', 'B: 2\n', 'X: end\n'], 'utf8')
    assert.equal(header.toString('latin1'), 'A: 1\r\nB: 2\r\n 3\r\nC: 4\r\nX: end\r\n\r\n')
  })

  it('a message without an empty line keeps its body', () => {
    const raw = bytes('A: 1\r\nno header \xff\r\n..dot\r\n')
    const { header, body } = restoreHeader(raw, 1, ['A: 1\n'], 'utf8')
    assert.equal(header.toString('latin1'), 'A: 1\r\n\r\n')
    assert.equal(body?.toString('latin1'), 'no header \xff\r\n..dot\r\n')
  })

  it('equal strings of different octets stay in their order', () => {
    const raw = bytes('A: \xe4\r\nA: \xf6\r\n')
    const { header } = restoreHeader(raw, 2, ['A: \ufffd\n', 'A: \ufffd\n'], 'utf8')
    assert.equal(header.toString('latin1'), 'A: \xe4\r\nA: \xf6\r\n\r\n')
  })

  it('dots at line starts are doubled', () => {
    assert.equal(wireField('.X: 1\n'), '..X: 1\r\n')
    assert.equal(wireField('A: 1\r\n\t2'), 'A: 1\r\n\t2\r\n')
    const { header } = restoreHeader(bytes('..X: 1\r\n'), 1, ['.X: 1\n'], 'utf8')
    assert.equal(header.toString('latin1'), '..X: 1\r\n\r\n')
  })
})
