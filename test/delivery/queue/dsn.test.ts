import assert from 'node:assert/strict'

import { composeDsn, type DsnFacts } from '../../../plugins/delivery/queue/dsn.js'
import { makeReply } from '../../../plugins/delivery/smtp/smtp-reply.js'

const reply = makeReply(550, ['5.1.1 no such user'])
const failed = {
  address: 'jo@example.com',
  original: 'rfc822;jo@example.com',
  outcome: { kind: 'refused', reply, host: '[192.0.2.1]:25' },
} as const

async function compose(facts: Partial<DsnFacts>): Promise<string> {
  const report = await composeDsn({
    gatewayName: 'gateway.example',
    sender: 'sender@client.example',
    id: '1',
    arrival: new Date(0),
    now: new Date(0),
    failed: [failed],
    header: Buffer.from('Subject: x\r\n'),
    ...facts,
  })
  return report.toString('latin1')
}

/** What stands between the header fields of the report and its end, by part. */
function linesOf(report: string): string[] {
  return report.split('\r\n')
}

describe('a report to the sender', () => {
  it('says what became of the recipient', async () => {
    const report = await compose({ envid: 'ticket 7' })
    assert.match(report, /^<jo@example\.com>: \[192\.0\.2\.1\]:25 said: 550 5\.1\.1 no such user/mu)
    assert.match(report, /^Original-Envelope-Id: ticket 7\r$/mu)
    assert.match(report, /^Action: failed\r$/mu)
    assert.match(report, /^Status: 5\.1\.1\r$/mu)
  })

  it('says whose fault it is and what to do, where the words of the host tell', async () => {
    const said = async (text: string): Promise<string> => {
      const outcome = { ...failed.outcome, reply: makeReply(550, [text]) }
      const report = await compose({ failed: [{ ...failed, outcome }] })
      return report.replace(/=\r\n/gu, '')
    }
    assert.match(await said('5.1.1 no such user'), /^ {2}That system has no such address/mu)
    assert.match(
      await said('5.7.64 TenantAttribution; Relay Access Denied'),
      /^ {2}.*postmaster@gateway\.example.*Exchange Online does not know this gateway/mu,
    )
    assert.ok(!/^ {2}That system/mu.test(await said('Transaction failed')))
  })

  it('takes no lines from what the client gave as ENVID and ORCPT', async () => {
    const report = await compose({
      envid: 'x\r\nAction: delivered\r\n\r\nFinal-Recipient: rfc822; y@z.example',
      failed: [{ ...failed, original: 'rfc822;x\r\n\r\nBUY THIS' }],
    })
    const lines = linesOf(report)
    assert.equal(lines.filter((line) => line.startsWith('Action:')).length, 1)
    assert.equal(lines.filter((line) => line.startsWith('Final-Recipient:')).length, 1)
    assert.ok(!lines.some((line) => line.startsWith('BUY')), report)
  })

  it('has no line that a next host would refuse, whatever the message and the host said', async () => {
    const words = makeReply(550, [`5.1.1 ${'long words '.repeat(5000)}`])
    const report = await compose({
      failed: [{ ...failed, outcome: { ...failed.outcome, reply: words } }],
      header: Buffer.from(`X-Long: ${'z'.repeat(60_000)}\r\nX-Bare: a\rb\r\nSubject: x\r\n`),
    })
    // RFC 5322 2.1.1
    assert.deepEqual(
      linesOf(report).filter((line) => line.length > 998),
      [],
    )
    assert.ok(!/\r(?!\n)|(?<!\r)\n/u.test(report))
    assert.ok(/^X-Long: zzz/mu.test(report))
    assert.ok(/^Subject: x/mu.test(report))
  })

  for (const sender of [
    '"a, b"@client.example',
    '"q\\"uote"@client.example',
    'josé@client.example',
  ]) {
    it(`names one addressee: ${sender}`, async () => {
      const report = Buffer.from(await compose({ sender }), 'latin1').toString()
      const to = /^To: (.*(?:\r\n[ \t].*)*)/mu.exec(report)?.[1] ?? ''
      assert.equal(to.replace(/^<|>$/gu, ''), sender)
    })
  }
})
