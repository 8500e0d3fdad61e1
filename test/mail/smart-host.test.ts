import assert from 'node:assert/strict'

import { formatSmartHost, parseSmartHost } from '../../plugins/mail/smart-host.js'

describe('smart host', () => {
  const readable: [text: string, expected: string, written?: string][] = [
    ['[192.0.2.10]', 'host smtp 192.0.2.10 25'],
    ['[192.0.2.11]:2525', 'host smtp 192.0.2.11 2525'],
    ['[2001:DB8::1]:25', 'host smtp 2001:db8::1 25', '[2001:db8::1]'],
    ['[IPv6:2001:db8::1]', 'host smtp 2001:db8::1 25', '[2001:db8::1]'],
    ['[mail.unix.example]', 'host smtp mail.unix.example 25'],
    ['mail.unix.example', 'mx smtp mail.unix.example 25'],
    ['Mail.Unix.Example:587', 'mx smtp mail.unix.example 587', 'mail.unix.example:587'],
    ['smtp://[10.0.0.1]', 'host smtp 10.0.0.1 25', '[10.0.0.1]'],
    ['lmtp://[127.0.0.1]:24', 'host lmtp 127.0.0.1 24', 'lmtp://[127.0.0.1]'],
    ['LMTP://[127.0.0.1]:2003', 'host lmtp 127.0.0.1 2003', 'lmtp://[127.0.0.1]:2003'],
    ['lmtp://unix:/run/dovecot/lmtp', 'socket lmtp /run/dovecot/lmtp'],
    ['unix:/run/smtp', 'socket smtp /run/smtp'],
  ]
  for (const [text, expected, written = text] of readable) {
    it(`reads ${text} and writes it back`, () => {
      const host = parseSmartHost(text)
      assert.ok(host)
      const where = host.kind === 'socket' ? host.path : `${host.host} ${host.port}`
      assert.equal(`${host.kind} ${host.protocol} ${where}`, expected)
      assert.equal(formatSmartHost(host), written)
      assert.deepEqual(parseSmartHost(written), host)
    })
  }

  const unreadable = [
    '',
    '192.0.2.10',
    '[192.0.2.10',
    '[]',
    '[192.0.2.10]:0',
    '[192.0.2.10]:65536',
    '[192.0.2.10]:smtp',
    '[192.0.2.10]25',
    'mail.example.com:',
    'mail example',
    'http://mail.example.com',
    'unix:relative',
    'lmtp://',
    '::1',
    'anna@example.com',
  ]
  for (const text of unreadable) {
    it(`refuses ${text || '(empty)'}`, () => assert.equal(parseSmartHost(text), undefined))
  }
})
