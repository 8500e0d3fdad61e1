import assert from 'node:assert/strict'

import {
  formatReply,
  isPositive,
  ReplyError,
  ReplyParser,
} from '../../../plugins/delivery/smtp/smtp-reply.js'

describe('SMTP replies', () => {
  const cases: [string, string, string[]][] = [
    ['one line', '250 2.1.0 ok\r\n', ['250 2.1.0 ok']],
    ['a code alone', '250\r\n', ['250']],
    ['several lines are one reply', '550-5.1.1 no\r\n550 5.1.1 body\r\n', ['550 5.1.1 no body']],
    ['several replies at once', '250 a\r\n251 b\r\n', ['250 a', '251 b']],
    ['LF alone ends a line too', '250 ok\n', ['250 ok']],
    ['an enhanced code needs an end', '550 5.1.1x\r\n', ['550 5.1.1x']],
    ['control characters cannot forge', '550 a\u0007\rb\r\n', ['550 a b']],
    [
      'long words are cut',
      `550 5.1.1 ${'x'.repeat(1000)}\r\n`,
      [`550 5.1.1 ${'x'.repeat(440)}...`],
    ],
    ['UTF-8', '550 5.1.1 öäü\r\n', ['550 5.1.1 öäü']],
  ]
  for (const [name, text, expected] of cases) {
    it(name, () => {
      assert.deepEqual(new ReplyParser().feed(Buffer.from(text)).map(formatReply), expected)
    })
  }

  it('is put together from single octets', () => {
    const parser = new ReplyParser()
    const octets = [...Buffer.from('250-a\r\n250 b\r\n')]
    const replies = octets.flatMap((octet) => parser.feed(Buffer.from([octet])))
    assert.deepEqual(replies.map(formatReply), ['250 a b'])
  })

  for (const [name, text] of [
    ['garbage', '\u0000\u0001 hello\r\n'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a line without end', 'x'.repeat(65_536)],
    ['a long line with an end', `250 ${'x'.repeat(65_536)}\r\n`],
    ['a reply without end', '250-x\r\n'.repeat(100_000)],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => new ReplyParser().feed(Buffer.from(text)), ReplyError)
    })
  }

  it('takes every 2xx as yes, and nothing else', () => {
    const yes = [200, 250, 251, 252, 354, 450, 550].filter((code) =>
      isPositive({ code, enhanced: '', lines: [] }),
    )
    assert.deepEqual(yes, [200, 250, 251, 252])
  })
})
