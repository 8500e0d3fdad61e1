import assert from 'node:assert/strict'

import {
  envidOf,
  fromXtext,
  notifyOf,
  orcptOf,
  retOf,
  wantsFailure,
  xtext,
} from '../../../plugins/delivery/smtp/dsn-parameters.js'
import {
  mailCommand,
  missingExtension,
  rcptCommand,
  type Envelope,
} from '../../../plugins/delivery/smtp/envelope.js'
import { formatReply } from '../../../plugins/delivery/smtp/smtp-reply.js'

const all = new Map([
  ['SIZE', '1000'],
  ['8BITMIME', ''],
  ['SMTPUTF8', ''],
  ['DSN', ''],
])
const none = new Map<string, string>()
const plain: Envelope = { from: 'a@x.example', size: 100, eightBit: false, utf8: false }
const to = [{ path: 'b@y.example', orcpt: 'rfc822;b+40y.example' }]

describe('the envelope on the wire', () => {
  const mail: [string, Envelope, ReadonlyMap<string, string>, string][] = [
    ['nothing offered, nothing said', plain, none, 'MAIL FROM:<a@x.example>'],
    ['the null sender', { ...plain, from: '' }, none, 'MAIL FROM:<>'],
    ['SIZE', plain, all, 'MAIL FROM:<a@x.example> SIZE=100'],
    [
      '8BITMIME',
      { ...plain, eightBit: true, size: 0 },
      all,
      'MAIL FROM:<a@x.example> BODY=8BITMIME',
    ],
    [
      'SMTPUTF8',
      { ...plain, from: 'ä@x.example', size: 0 },
      all,
      'MAIL FROM:<ä@x.example> SMTPUTF8',
    ],
    [
      'DSN parameters go along',
      { ...plain, size: 0, ret: 'HDRS', envid: 'q1' },
      all,
      'MAIL FROM:<a@x.example> RET=HDRS ENVID=q1',
    ],
    [
      'and not where they are not known',
      { ...plain, ret: 'HDRS', envid: 'q' },
      none,
      'MAIL FROM:<a@x.example>',
    ],
  ]
  for (const [name, envelope, extensions, expected] of mail) {
    it(name, () => assert.equal(mailCommand(envelope, to, extensions), expected))
  }

  it('ORCPT where the host offers DSN', () => {
    const [recipient] = to
    assert.ok(recipient)
    assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@y.example> ORCPT=rfc822;b+40y.example')
    assert.equal(rcptCommand(recipient, none), 'RCPT TO:<b@y.example>')
  })

  const missing: [string, Envelope, ReadonlyMap<string, string>, RegExp | undefined][] = [
    ['nothing needed', plain, none, undefined],
    ['too big', { ...plain, size: 1001 }, all, /^552 5\.3\.4 /u],
    ['SIZE without a limit', { ...plain, size: 1001 }, new Map([['SIZE', '']]), undefined],
    ['8-bit content', { ...plain, eightBit: true }, none, /^554 5\.6\.3 /u],
    ['UTF-8 address', { ...plain, from: 'ä@x.example' }, none, /^550 5\.6\.7 /u],
    ['UTF-8 header', { ...plain, utf8: true }, none, /^550 5\.6\.7 /u],
  ]
  for (const [name, envelope, extensions, expected] of missing) {
    it(`what the host cannot take: ${name}`, () => {
      const reply = missingExtension(envelope, to, extensions)
      if (expected === undefined) assert.equal(reply, undefined)
      else assert.match(reply ? formatReply(reply) : '', expected)
    })
  }

  it('xtext and back', () => {
    assert.equal(xtext('a+b=c d@x.example'), 'a+2Bb+3Dc+20d@x.example')
    for (const text of ['a@x', 'a+b=c', 'ö ü', '+2B', '"q q"@x']) {
      assert.equal(fromXtext(xtext(text)), text)
      assert.match(xtext(text), /^[!-~]*$/u)
    }
  })

  it('NOTIFY goes along', () => {
    const recipient = { path: 'b@y.example', notify: 'NEVER' }
    assert.equal(rcptCommand(recipient, all), 'RCPT TO:<b@y.example> NOTIFY=NEVER')
    assert.equal(rcptCommand(recipient, none), 'RCPT TO:<b@y.example>')
  })

  it('DSN parameters that are not well formed count as not given', () => {
    assert.equal(orcptOf('rfc822;a+40b', 'x@y.example'), 'rfc822;a+40b')
    for (const bad of ['a@b.example', 'rfc822;', 'rfc822;a=b', 'rfc822;a+4', 'rfc822;ö', null]) {
      assert.equal(orcptOf(bad, 'x+1@y.example'), 'rfc822;x+2B1@y.example')
    }
    assert.equal(orcptOf(undefined, 'jörg@y.example'), 'utf-8;j\\x{F6}rg@y.example')
    assert.deepEqual([envidOf('q1'), envidOf('q=1'), envidOf('')], ['q1', undefined, undefined])
    assert.deepEqual([retOf('hdrs'), retOf('some')], ['HDRS', undefined])
    assert.deepEqual(['never', 'SUCCESS,FAILURE', 'NEVER,FAILURE', 'x', ''].map(notifyOf), [
      'NEVER',
      'SUCCESS,FAILURE',
      undefined,
      undefined,
      undefined,
    ])
    assert.deepEqual([undefined, 'NEVER', 'SUCCESS,FAILURE', 'DELAY'].map(wantsFailure), [
      true,
      false,
      true,
      false,
    ])
  })
})
