import assert from 'node:assert/strict'

import { lessonsOf } from '../../plugins/delivery/lessons.js'
import type { MailEvent } from '../../plugins/mail/mail-event.js'

describe('what deliveries teach', () => {
  const taken: string[] = []
  const lines: string[] = []
  const observe = lessonsOf({
    sawTaken: (connector, recipient) => taken.push(`${connector} ${recipient}`),
    log: { error: (line) => lines.push(line) },
  })
  beforeEach(() => {
    taken.length = 0
    lines.length = 0
  })

  const event = (kind: 'delivered' | 'refused' | 'deferred', reply: string): MailEvent => {
    const recipient = 'anna@example.com'
    return {
      kind,
      uuid: 'A.1',
      place: 'connector:unix',
      recipient,
      original: recipient,
      host: 'h',
      reply,
    }
  }

  it('somebody exists there', () => {
    observe(event('delivered', '250 2.0.0 ok'))
    observe({ ...event('delivered', '250 ok'), place: 'mailbox-host:corp' } as MailEvent)
    assert.deepEqual(taken, ['unix anna@example.com'])
    assert.deepEqual(lines, [])
  })

  it('a host that refuses this gateway: one line an hour, with what to do', () => {
    const words = '550 5.7.64 TenantAttribution; Relay Access Denied'
    for (let at = 0; at < 3; at++) observe(event('refused', words))
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      /^delivery to connector:unix: h refuses this gateway, not the recipient: 550 5\.7\.64.*what to do: Exchange Online does not know this gateway/u,
    )
    observe(event('deferred', '450 4.7.25 Client host rejected: cannot find your hostname'))
    assert.equal(lines.length, 2)
  })

  for (const words of [
    '550 5.1.1 no such user',
    '552 5.2.2 mailbox full',
    '450 4.2.0 greylisted',
    '550 no',
    'expected an answer within 20 s, got none',
  ]) {
    it(`nothing of: ${words}`, () => {
      observe(event(words.startsWith('5') ? 'refused' : 'deferred', words))
      assert.deepEqual(lines, [])
    })
  }
})
