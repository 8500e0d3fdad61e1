/**
 * MAIL and RCPT lines, with what the host offers: SIZE (RFC 1870), 8BITMIME (6152), SMTPUTF8 (6531)
 * and DSN (3461). What the message needs and the host does not offer is a permanent refusal, made
 * here with the words that the sender will read. Pure.
 */
import { makeReply, type SmtpReply } from './smtp-reply.js'

export interface EnvelopeRecipient {
  /** `user@example.com` as it goes into the brackets */
  readonly path: string
  /** ORCPT in xtext with its type, `rfc822;user@example.com` */
  readonly orcpt?: string | undefined
  readonly notify?: string | undefined
}

export interface Envelope {
  /** empty: the null sender */
  readonly from: string
  /** octets */
  readonly size: number
  readonly eightBit: boolean
  readonly utf8: boolean
  /** ENVID and RET of the client's MAIL command, as written */
  readonly envid?: string | undefined
  readonly ret?: string | undefined
}

type Extensions = ReadonlyMap<string, string>

// eslint-disable-next-line no-control-regex -- the ASCII range
const ascii = /^[\u0000-\u007f]*$/u

/** Why the host cannot take this message at all; `undefined`: it can. */
export function missingExtension(
  envelope: Envelope,
  recipients: readonly EnvelopeRecipient[],
  extensions: Extensions,
): SmtpReply | undefined {
  const limit = Number(extensions.get('SIZE') ?? 0)
  if (limit > 0 && envelope.size > limit) {
    return makeReply(552, [
      `5.3.4 message of ${envelope.size} octets exceeds the next host's limit of ${limit}`,
    ])
  }
  if (envelope.eightBit && !extensions.has('8BITMIME')) {
    return makeReply(554, ['5.6.3 message has 8-bit content, and the next host offers no 8BITMIME'])
  }
  if (needsUtf8(envelope, recipients) && !extensions.has('SMTPUTF8')) {
    return makeReply(550, ['5.6.7 message needs SMTPUTF8, and the next host does not offer it'])
  }
  return undefined
}

function needsUtf8(envelope: Envelope, recipients: readonly EnvelopeRecipient[]): boolean {
  return (
    envelope.utf8 || !ascii.test(envelope.from) || recipients.some(({ path }) => !ascii.test(path))
  )
}

export function mailCommand(
  envelope: Envelope,
  recipients: readonly EnvelopeRecipient[],
  extensions: Extensions,
): string {
  const { from, size, eightBit, envid, ret } = envelope
  const parameters: string[] = []
  if (extensions.has('SIZE') && size > 0) parameters.push(`SIZE=${size}`)
  if (eightBit) parameters.push('BODY=8BITMIME')
  if (needsUtf8(envelope, recipients)) parameters.push('SMTPUTF8')
  if (extensions.has('DSN') && ret !== undefined) parameters.push(`RET=${ret}`)
  if (extensions.has('DSN') && envid !== undefined) parameters.push(`ENVID=${envid}`)
  return [`MAIL FROM:<${from}>`, ...parameters].join(' ')
}

export function rcptCommand(recipient: EnvelopeRecipient, extensions: Extensions): string {
  const { path, orcpt, notify } = recipient
  const parameters: string[] = []
  if (extensions.has('DSN') && notify !== undefined) parameters.push(`NOTIFY=${notify}`)
  if (extensions.has('DSN') && orcpt !== undefined) parameters.push(`ORCPT=${orcpt}`)
  return [`RCPT TO:<${path}>`, ...parameters].join(' ')
}
