/** The judge of replies, on those of real systems: test/fixtures/replies/. */
import assert from 'node:assert/strict'

import { judgeReply } from '../../../plugins/delivery/smtp/judge.js'
import { ReplyParser } from '../../../plugins/delivery/smtp/smtp-reply.js'
import { microsoftReplies } from '../../fixtures/replies/microsoft.js'
import { otherReplies } from '../../fixtures/replies/others.js'
import { providerReplies } from '../../fixtures/replies/providers.js'
import { unixReplies } from '../../fixtures/replies/unix.js'

const tables = { ...microsoftReplies, ...providerReplies, ...unixReplies, ...otherReplies }

describe('the judge of replies', () => {
  for (const [system, rows] of Object.entries(tables)) {
    describe(system, () => {
      for (const [text, about, source, step = 'RCPT'] of rows) {
        it(`${step}: ${text.slice(0, 70).replace(/\s+/gu, ' ')}: ${about} (${source})`, () => {
          const [reply] = new ReplyParser().feed(Buffer.from(`${text}\r\n`))
          assert.ok(reply)
          assert.equal(judgeReply(reply, step), about)
        })
      }
    })
  }

  it('knows the replies of more than eighty cases', () => {
    assert.ok(Object.values(tables).flat().length >= 80)
  })

  it('no temporary reply speaks of the address, and none at the dot without words or codes', () => {
    for (const [text] of Object.values(tables).flat()) {
      if (!text.startsWith('5')) continue
      const soft = text.replace(/^5|(?<=\n)5/gu, '4').replace(/\b5\.(?=\d+\.\d)/gu, '4.')
      const [reply] = new ReplyParser().feed(Buffer.from(`${soft}\r\n`))
      assert.ok(reply)
      assert.notEqual(judgeReply(reply, 'RCPT'), 'address', soft)
    }
    assert.equal(judgeReply({ code: 550, enhanced: '', lines: ['no'] }, 'dot'), 'unclear')
  })

  it('takes what hosts may send: empty lines, long ones, other alphabets', () => {
    const long = [
      'user '.repeat(13_000),
      'a'.repeat(65_536),
      '<'.repeat(65_536),
      '[a.'.repeat(20_000),
    ]
    for (const line of ['', ' ', ...long, '用户不存在', '\0', '...', '<>', '[', '@']) {
      const started = performance.now()
      judgeReply({ code: 550, enhanced: '', lines: [line] }, 'RCPT')
      assert.ok(performance.now() - started < 200, line.slice(0, 20))
    }
  })
})
