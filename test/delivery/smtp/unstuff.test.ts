/** Dots doubled for DATA, taken off for BDAT. */
import assert from 'node:assert/strict'

import { DotRemover } from '../../../plugins/delivery/smtp/unstuff.js'

const cases: readonly (readonly [name: string, wire: string, plain: string])[] = [
  ['nothing to take off', 'a\r\nb.c\r\n', 'a\r\nb.c\r\n'],
  ['empty', '', ''],
  ['a lone dot', '..\r\n', '.\r\n'],
  ['lone dots in a row', '..\r\n..\r\n..\r\n', '.\r\n.\r\n.\r\n'],
  ['dots in the middle of lines stay', 'a..b\r\n...c\r\n', 'a..b\r\n..c\r\n'],
  ['a dot after a bare LF or CR is no line start', 'a\n..b\r..c\r\n', 'a\n..b\r..c\r\n'],
  ['no line end at the end', 'a\r\n..', 'a\r\n.'],
  ['empty lines', '\r\n\r\n..\r\n', '\r\n\r\n.\r\n'],
  ['CR CR LF', 'a\r\r\n..b', 'a\r\r\n.b'],
]

describe('dots taken off a message', () => {
  for (const [name, wire, plain] of cases) {
    it(`${name}, however it is cut`, () => {
      for (let size = 1; size <= Math.max(1, wire.length); size++) {
        const remover = new DotRemover()
        const pieces: Buffer[] = []
        for (let at = 0; at < wire.length; at += size) {
          pieces.push(remover.take(Buffer.from(wire.slice(at, at + size))))
        }
        assert.equal(Buffer.concat(pieces).toString(), plain, `chunks of ${size}`)
      }
    })
  }
})
