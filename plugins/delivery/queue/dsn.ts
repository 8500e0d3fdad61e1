/**
 * Delivery status notifications: what the sender hears of recipients who will not get the message
 * (RFC 3464, 6522; addresses beyond ASCII as RFC 6533 writes them).
 *
 * Haraka's own do not name the original recipient and lose the host's words when only some
 * recipients failed, so they are composed here. They say what the host said, not more.
 */
import MimeNode from 'nodemailer/lib/mime-node'

import { outcomeText, type Outcome } from '../outcome.js'
import { adviceToSender } from '../smtp/advice.js'

export interface FailedRecipient {
  /** the address that was tried */
  readonly address: string
  /** the address as the sender wrote it, ORCPT form decoded: `rfc822;user@example.com` */
  readonly original: string
  readonly outcome: Outcome
}

export interface DsnFacts {
  /** the reporting MTA */
  readonly gatewayName: string
  /** the sender of the message, who gets this */
  readonly sender: string
  /** unique, for the Message-ID */
  readonly id: string
  readonly envid?: string | undefined
  readonly arrival: Date
  readonly now: Date
  /** it is tried until then: a report of delay; absent: it has failed */
  readonly expires?: Date
  readonly failed: readonly FailedRecipient[]
  /** the message's header */
  readonly header: Buffer
}

/** Octets of the message's header that a report has. */
export const longestHeader = 65_536

/** The whole message, with CRLF line ends. */
export function composeDsn(facts: DsnFacts): Promise<Buffer> {
  const { gatewayName, sender, id, now, expires, header } = facts
  const report = new MimeNode('multipart/report; report-type=delivery-status')
  report.setHeader({
    From: `Mail Delivery System <MAILER-DAEMON@${gatewayName}>`,
    To: `<${sender}>`,
    Subject: expires ? 'Delayed Mail (still being retried)' : 'Undelivered Mail Returned to Sender',
    Date: dateText(now),
    'Message-ID': `<${id}@${gatewayName}>`,
    'Auto-Submitted': 'auto-replied',
  })
  report.createChild('text/plain; charset=utf-8').setContent(explanation(facts))
  part(report, 'message/delivery-status').setContent(statusFields(facts))
  part(report, 'text/rfc822-headers').setContent(
    unstuffed(header).replace(/[^\t\r\n -~]|\r(?!\n)/gu, '?'),
  )
  return report.build()
}

function part(report: MimeNode, type: string): MimeNode {
  const node = report.createChild(type)
  node.setHeader('Content-Transfer-Encoding', '7bit')
  return node
}

/** Without the dots that the wire form has doubled. */
function unstuffed(header: Buffer): string {
  return header.toString('latin1').replace(/^\.\./gmu, '.')
}

function dateText(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000')
}

function explanation({ gatewayName, failed, expires }: DsnFacts): string {
  const lines = failed.map(({ address, original, outcome }) => {
    const written = onOneLine(original.replace(/^[^;]*;/u, ''))
    const also = written.toLowerCase() === address.toLowerCase() ? '' : ` (written as ${written})`
    const host = outcome.host === '' ? '' : `${outcome.host} said: `
    const advice = outcome.kind === 'refused' ? adviceToSender(outcome.reply, gatewayName) : ''
    const words = `<${address}>${also}: ${host}${outcomeText(outcome)}`
    return advice === '' ? words : `${words}\r\n  ${advice}`
  })
  return [
    `This is the mail system at ${gatewayName}.`,
    '',
    ...(expires
      ? [
          'Your message could not be delivered to the recipients below yet.',
          `It is tried again until ${dateText(expires)}; you need not send it again.`,
        ]
      : [
          'Your message could not be delivered to the recipients below.',
          'They will not get it; the header of your message is attached.',
        ]),
    '',
    ...lines,
    '',
  ].join('\r\n')
}

function statusFields(facts: DsnFacts): string {
  const message = [
    `Reporting-MTA: dns; ${facts.gatewayName}`,
    ...(facts.envid === undefined ? [] : [`Original-Envelope-Id: ${ascii(facts.envid)}`]),
    `Arrival-Date: ${dateText(facts.arrival)}`,
  ]
  const recipients = facts.failed.map(({ address, original, outcome }) => [
    `Original-Recipient: ${ascii(typed(original))}`,
    `Final-Recipient: ${ascii(typed(address))}`,
    `Action: ${facts.expires ? 'delayed' : 'failed'}`,
    `Status: ${statusOf(outcome, facts.expires !== undefined)}`,
    ...remoteMta(outcome),
    ...('reply' in outcome
      ? [`Diagnostic-Code: smtp; ${ascii(outcomeText(outcome))}`]
      : [`Diagnostic-Code: x-address-space; ${ascii(outcome.reason)}`]),
    ...(facts.expires ? [`Will-Retry-Until: ${dateText(facts.expires)}`] : []),
  ])
  return [message, ...recipients].map((fields) => `${fields.join('\r\n')}\r\n`).join('\r\n')
}

/** The enhanced code of the host, if it says what happened; a failure has class 5, or 4 if time ran out. */
function statusOf(outcome: Outcome, delayed: boolean): string {
  if (outcome.kind !== 'refused') {
    const code = 'reply' in outcome ? outcome.reply.enhanced : ''
    return code.startsWith('4.') ? code : delayed ? '4.4.1' : '4.4.7'
  }
  const { enhanced, code } = outcome.reply
  if (enhanced.startsWith('5.')) return enhanced
  return code === 552 ? '5.2.2' : '5.0.0'
}

function remoteMta({ host }: Outcome): string[] {
  const [, address, word] = /^(?:\[([^\]]+)\]|([^\][:/]+))/u.exec(host) ?? []
  const name = address ?? word
  return name === undefined || name === '' ? [] : [`Remote-MTA: dns; ${name}`]
}

function typed(address: string): string {
  return /^[a-z0-9-]+;/iu.test(address) ? address : `rfc822;${address}`
}

/** A client's words make no lines of their own. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** Characters beyond ASCII as RFC 6533 3 writes them. */
function ascii(text: string): string {
  return text.replace(/[^ -~]/gu, (character) => {
    return `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`
  })
}
