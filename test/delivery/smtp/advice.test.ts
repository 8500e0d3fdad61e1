import assert from 'node:assert/strict'

import { adviceToSender, remedyFor } from '../../../plugins/delivery/smtp/advice.js'
import { ReplyParser, type SmtpReply } from '../../../plugins/delivery/smtp/smtp-reply.js'

function read(text: string): SmtpReply {
  const [reply] = new ReplyParser().feed(Buffer.from(`${text}\r\n`))
  assert.ok(reply)
  return reply
}

const tenant = '550 5.7.64 TenantAttribution; Relay Access Denied [BN3.prod.protection.outlook.com]'

describe('advice on refusals', () => {
  const toSender: [text: string, advice: RegExp][] = [
    ['550 5.1.1 no such user', /no such address.*typing errors/u],
    ['550 5.4.1 Recipient address rejected: Access denied', /no such address/u],
    ['552 5.2.2 mailbox full', /mailbox is full/u],
    ['550 5.2.1 account disabled', /closed or switched off/u],
    ['552 5.3.4 message too large', /too large/u],
    ['550 5.7.1 Unable to relay', /postmaster@mx\.example.*does not take this domain for its own/u],
    [tenant, /you did not either.*Exchange Online does not know this gateway/u],
    ['554 Transaction failed', /^$/u],
    ['550 no', /^$/u],
  ]
  for (const [text, advice] of toSender) {
    it(`to the sender: ${text}`, () => {
      assert.match(adviceToSender(read(text), 'mx.example'), advice)
    })
  }

  const remedies: [text: string, remedy: RegExp][] = [
    [tenant, /inbound connector.*tls_cert_file.*public address/u],
    ['550 5.7.606 Access denied, banned sending IP [192.0.2.1].', /sender\.office\.com/u],
    ['550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain', /accepted domain/u],
    ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", /rcpthosts/u],
    ['550 Delivery is not allowed to this address.', /network list allow this gateway/u],
    ['530 5.7.0 Must issue a STARTTLS command first', /tls = required/u],
    ['450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]', /PTR/u],
    ['554 5.7.1 Client host blocked using zen.spamhaus.org', /block list/u],
    ['550 Sender verify failed', /null sender/u],
    ['550 no', /accept mail from this gateway/u],
  ]
  for (const [text, remedy] of remedies) {
    it(`to the administrator: ${text}`, () => {
      assert.match(remedyFor(read(text)), remedy)
    })
  }
})
