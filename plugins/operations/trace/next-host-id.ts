/**
 * The id under which the next host has a message, taken out of the words of its 250: with it the next
 * administrator finds the message in his own log. Pure.
 */

/** `undefined`: the host gave none, or in words that are not known here. */
export function nextHostId(reply: string): string | undefined {
  if (!reply.startsWith('2')) return undefined
  for (const pattern of patterns) {
    const id = pattern.exec(reply)?.[1]
    if (id !== undefined) return id
  }
  return undefined
}

const patterns = [
  // Postfix: 250 2.0.0 Ok: queued as 4X3Yz12abc
  /\bqueued as ([\w.-]+)/iu,
  // Exchange: 250 2.6.0 <m@x> [InternalId=1234, Hostname=EX1.corp.example] … Queued mail for delivery
  /\[InternalId=(\d+)/iu,
  // Exim: 250 OK id=1tFabc-000000012Bc-3xYz
  /\bid=([\w-]{6,})/iu,
  // Haraka: 250 Message Queued (5A6B….1)
  /\bqueued \(([0-9A-F-]{36}(?:\.\d+)*)\)/iu,
  // Google: 250 2.0.0 OK  1764113000 5b1f17b1804b1-47789d8fea.123 - gsmtp
  /\bOK\s+\d+ ([\w.-]+) - gsmtp/iu,
  // Sendmail: 250 2.0.0 4AP1abcd012345 Message accepted for delivery; OpenSMTPD has a colon in front
  /^2\d\d(?: 2\.\d+\.\d+)?:? ([\w]+) Message accepted for delivery/iu,
  // Dovecot's LMTP: 250 2.0.0 <user@host> kLyzABCdEf== Saved
  /<[^>]*> ([\w+/=:.-]+) Saved/iu,
  // qmail: 250 ok 1764113000 qp 12345
  /\bok \d+ qp (\d+)/iu,
] as const
