/**
 * One message to one host: MAIL, RCPT, DATA, pipelined where offered (RFC 2920), and what became
 * of each recipient. Every 2xx to RCPT is a yes. LMTP answers the message once a recipient
 * (RFC 2033 4.2), SMTP once for all.
 *
 * Rejects with HostError when the host failed before the final dot: nothing was delivered. After
 * it, a failure is the outcome `uncertain` for every recipient without an answer.
 */
import { errorText } from '../../basics/error-text.js'
import type { OutgoingMessage } from '../../mail/message.js'
import { outcomeOf, type Outcome } from '../outcome.js'
import {
  mailCommand,
  missingExtension,
  rcptCommand,
  type Envelope,
  type EnvelopeRecipient,
} from './envelope.js'
import { isPositive, type SmtpReply } from './reply.js'
import { formatEndpoint, type Session } from './session.js'
import type { Timeouts } from './timeouts.js'
import { HostError } from './wire.js'
import { writeBody } from './write-body.js'

export interface TransactionOptions {
  readonly timeouts: Timeouts
  /** milliseconds since 1970 by which the final dot must be sent */
  readonly until: number
  /** header fields to put before the message, with their line ends */
  readonly prefix: string
  /**
   * Called when the host has answered for each recipient and is ready for the message, before any
   * octet of it is sent. A rejection ends the transaction: nothing is delivered.
   */
  readonly beforeMessage?: (outcomes: readonly Outcome[]) => Promise<void>
  /** A throw ends the transaction just before the final dot: nothing is delivered. */
  readonly beforeDot?: () => void
}

/** An outcome for each recipient, in their order. */
export async function sendMessage(
  session: Session,
  wanted: Envelope,
  recipients: readonly EnvelopeRecipient[],
  message: OutgoingMessage,
  options: TransactionOptions,
): Promise<Outcome[]> {
  const { wire, extensions } = session
  const host = formatEndpoint(session.endpoint)
  const { timeouts, until } = options
  const all = (reply: SmtpReply): Outcome[] => recipients.map(() => outcomeOf(reply, host))
  const within = (ms: number): number => Math.min(ms, until - Date.now())
  const read = async (phase: string, ms: number): Promise<SmtpReply> => {
    const reply = await wire.read(phase, within(ms))
    // 421 may come at any time: the host goes away, it does not speak of this command. 530 (wants
    // AUTH or TLS first, RFC 4954 and 3207) is not about the mail: an administrator can mend it
    const expected = phase === 'DATA' ? reply.code === 354 : isPositive(reply)
    if (reply.code === 421 || reply.code === 530 || (!expected && reply.code < 400)) {
      throw new HostError(phase, 'expected an answer', reply)
    }
    return reply
  }

  const envelope = await asNeeded(wanted, message, extensions)
  const missing = missingExtension(envelope, recipients, extensions)
  if (missing) return all(missing)

  const mail = mailCommand(envelope, recipients, extensions)
  const rcpts = recipients.map((recipient) => rcptCommand(recipient, extensions))
  const pipelining = extensions.has('PIPELINING')
  if (pipelining) wire.send(mail, ...rcpts, 'DATA')
  else wire.send(mail)
  const mailReply = await read('MAIL', timeouts.mail)
  if (!isPositive(mailReply) && !pipelining) {
    await reset(session, timeouts)
    return all(mailReply)
  }

  const outcomes: Outcome[] = []
  for (const rcpt of rcpts) {
    if (!pipelining) wire.send(rcpt)
    const reply = await read('RCPT', timeouts.rcpt)
    const some = outcomes.some(({ kind }) => kind === 'delivered')
    outcomes.push(
      some && isTooMany(reply) ? { kind: 'deferred', reply, host } : outcomeOf(reply, host),
    )
  }
  const accepted = outcomes.flatMap(({ kind }, index) => (kind === 'delivered' ? [index] : []))
  const nobody = accepted.length === 0 || !isPositive(mailReply)
  if (!pipelining && nobody) {
    await reset(session, timeouts)
    return outcomes
  }

  if (!pipelining) wire.send('DATA')
  const dataReply = await read('DATA', timeouts.data)
  const ready = dataReply.code === 354
  if (nobody || !ready) {
    // a host that wants a message for nobody does not get one: an empty one would be sent
    if (ready) wire.destroy()
    else await reset(session, timeouts)
    if (!isPositive(mailReply)) return all(mailReply)
    for (const index of accepted) outcomes[index] = outcomeOf(dataReply, host)
    return outcomes
  }

  try {
    await options.beforeMessage?.(outcomes)
    await writeBody(wire, options.prefix, message, {
      block: timeouts.block,
      until,
      beforeDot: options.beforeDot ?? (() => undefined),
    })
  } catch (error) {
    const { early } = wire
    wire.destroy()
    // what it answered before the end is its answer: `552 too big`
    if (early && early.code >= 400 && early.code !== 421) {
      for (const index of accepted) outcomes[index] = outcomeOf(early, host)
      return outcomes
    }
    throw error
  }
  await readFinal(session, accepted, outcomes, timeouts.final)
  return outcomes
}

/**
 * Many clients declare 8BITMIME for whatever they send. A host without it is not refused a message
 * that is ASCII.
 */
async function asNeeded(
  envelope: Envelope,
  message: OutgoingMessage,
  extensions: ReadonlyMap<string, string>,
): Promise<Envelope> {
  if (!envelope.eightBit || extensions.has('8BITMIME')) return envelope
  for await (const chunk of message.octets()) {
    if (chunk.some((octet) => octet > 127)) return envelope
  }
  return { ...envelope, eightBit: false }
}

/** Too many recipients for one message, which is no refusal of the rest (RFC 5321 4.5.3.1.10). */
function isTooMany({ code, enhanced }: SmtpReply): boolean {
  return enhanced === '5.5.3' || (code === 552 && enhanced === '')
}

/** The answers to the final dot, put in the place of the accepted recipients' outcomes. */
async function readFinal(
  session: Session,
  accepted: readonly number[],
  outcomes: Outcome[],
  ms: number,
): Promise<void> {
  const { wire, endpoint } = session
  const host = formatEndpoint(endpoint)
  const end = Date.now() + ms
  let reply: SmtpReply | undefined
  for (const index of accepted) {
    try {
      if (reply === undefined || endpoint.protocol === 'lmtp') {
        reply = await wire.read('final dot', end - Date.now())
        if (reply.code < 400 && !isPositive(reply)) {
          throw new HostError('final dot', 'expected yes or no', reply)
        }
      }
      outcomes[index] = outcomeOf(reply, host)
    } catch (error) {
      wire.destroy()
      const reason = errorText(error)
      for (const rest of accepted.slice(accepted.indexOf(index))) {
        outcomes[rest] = { kind: 'uncertain', reason, host }
      }
      return
    }
  }
  if (reply?.code === 421) wire.destroy()
}

/** Makes the session ready for another message, or ends it. */
async function reset(session: Session, timeouts: Timeouts): Promise<void> {
  try {
    session.wire.send('RSET')
    const reply = await session.wire.read('RSET', Math.min(10_000, timeouts.hello))
    if (!isPositive(reply)) session.wire.destroy()
  } catch {
    session.wire.destroy()
  }
}
