/**
 * One message to one host: MAIL, RCPT, DATA, pipelined where offered (RFC 2920), and what became
 * of each recipient. Every 2xx to RCPT is a yes. LMTP answers the message once a recipient
 * (RFC 2033 4.2), SMTP once for all. A small message for one recipient goes in one flight where the
 * host takes chunks (one-flight.ts).
 *
 * What the host has answered stays answered, also when the session dies: the result is always an
 * outcome for each recipient. After a 421 the message still goes to those who were accepted, if the
 * session stands; who was not answered is `not-asked`. After the final dot a failure is `uncertain`
 * for every recipient without an answer. It rejects only with what the options' functions threw.
 */
import type { Soon } from '../../basics/soon.js'
import type { OutgoingMessage } from '../../mail/message.js'
import { outcomeOf, type Outcome } from '../outcome.js'
import { expectAnswer, readFinal, reset } from './answers.js'
import { mayFly, sendInOneFlight, type ChunkingHosts } from './one-flight.js'
import {
  mailCommand,
  missingExtension,
  rcptCommand,
  type Envelope,
  type EnvelopeRecipient,
} from './envelope.js'
import { formatReply, isPositive, type SmtpReply } from './smtp-reply.js'
import { formatEndpoint, type Session } from './session.js'
import type { Timeouts } from './timeouts.js'
import { HostError } from './wire.js'
import { writeBody } from './write-body.js'

export interface TransactionOptions {
  readonly timeouts: Timeouts
  /** by performance.now(): the final dot is sent by then */
  readonly until: number
  /** header fields to put before the message, with their line ends */
  readonly prefix: string
  /** which hosts take a message as a chunk; absent: none is to get one */
  readonly chunking?: ChunkingHosts
  /**
   * Called when the host has answered for each recipient and is ready for the message, before any
   * octet of it is sent. A rejection ends the transaction: nothing is delivered.
   */
  readonly beforeMessage?: (outcomes: readonly Outcome[]) => Soon<void>
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
  const host = formatEndpoint(session.endpoint)
  const isAsWanted = !wanted.eightBit || session.extensions.has('8BITMIME')
  const envelope = isAsWanted ? wanted : await withoutEightBit(wanted, message)
  const missing = missingExtension(envelope, recipients, session.extensions)
  if (missing) return recipients.map(() => ({ kind: 'unfit', reply: missing, host }))
  const mayGoAtOnce = mayFly(session, recipients, message, options)
  if (mayGoAtOnce instanceof Promise ? await mayGoAtOnce : mayGoAtOnce) {
    return await sendInOneFlight({ session, envelope, recipients, message, options })
  }
  const transaction = new Transaction(session, envelope, recipients, options)
  try {
    if (await transaction.ask()) await transaction.handOver(message)
  } catch (error) {
    session.wire.destroy()
    if (!(error instanceof HostError)) throw error
    return transaction.endedBy(error)
  }
  return transaction.outcomes
}

class Transaction {
  /** of `accepted` ones provisional until the message has been answered */
  outcomes: Outcome[]
  private readonly session: Session
  private readonly envelope: Envelope
  private readonly recipients: readonly EnvelopeRecipient[]
  private readonly options: TransactionOptions
  private readonly host: string

  constructor(
    session: Session,
    envelope: Envelope,
    recipients: readonly EnvelopeRecipient[],
    options: TransactionOptions,
  ) {
    this.session = session
    this.envelope = envelope
    this.recipients = recipients
    this.options = options
    this.host = formatEndpoint(session.endpoint)
    this.outcomes = recipients.map(() => this.notAsked('not asked yet'))
  }

  /** Asks for each recipient. Answers whether the host waits for the message now. */
  async ask(): Promise<boolean> {
    const { wire, extensions } = this.session
    const { timeouts } = this.options
    const mail = mailCommand(this.envelope, this.recipients, extensions)
    const rcpts = this.recipients.map((recipient) => rcptCommand(recipient, extensions))
    const pipelining = extensions.has('PIPELINING')
    if (pipelining) wire.send(mail, ...rcpts, 'DATA')
    else wire.send(mail)
    const mailReply = await this.read('MAIL', timeouts.mail)
    if (!isPositive(mailReply)) {
      this.outcomes = this.recipients.map(() => outcomeOf(mailReply, this.host))
      // what was sent along is answered too, and says nothing more
      if (pipelining) await this.skip(rcpts.length)
      await this.leave(pipelining)
      return false
    }
    await this.askRecipients(rcpts, pipelining)
    if (this.accepted.length === 0) {
      await this.leave(pipelining)
      return false
    }
    if (!pipelining) wire.send('DATA')
    const dataReply = await this.read('DATA', timeouts.data)
    if (dataReply.code === 354) return true
    this.answer(dataReply)
    await reset(this.session, timeouts)
    return false
  }

  /** Sends the message to those who were accepted. */
  async handOver(message: OutgoingMessage): Promise<void> {
    const { wire } = this.session
    const { timeouts, until, prefix, beforeMessage, beforeDot } = this.options
    try {
      await beforeMessage?.(this.outcomes)
      await writeBody(wire, prefix, message, {
        block: timeouts.block,
        until,
        beforeDot: beforeDot ?? (() => undefined),
      })
    } catch (error) {
      const { early } = wire
      // what it answered before the end is its answer: `552 too big`
      const answered = early && early.code >= 400 && early.code !== 421
      if (!(error instanceof HostError) || !answered) throw error
      wire.destroy()
      this.answer(early)
      return
    }
    await readFinal(this.session, this.accepted, this.outcomes, timeouts.final)
  }

  /** The session is over before the final dot: who was accepted has nothing. */
  endedBy(error: HostError): Outcome[] {
    const { wire, extensions } = this.session
    // to commands that were sent together came one answer too few: whose it is nobody can tell
    const tooFew = wire.wentSilent && error.phase === 'DATA'
    const inDoubt = tooFew && extensions.has('PIPELINING')
    return this.outcomes.map((outcome) =>
      inDoubt || outcome.kind === 'delivered' || outcome.kind === 'not-asked'
        ? this.notAsked(error.message)
        : outcome,
    )
  }

  private get accepted(): number[] {
    return this.outcomes.flatMap(({ kind }, index) => (kind === 'delivered' ? [index] : []))
  }

  private notAsked(reason: string): Outcome {
    return { kind: 'not-asked', reason, host: this.host }
  }

  /** What the host says of the message holds for those who were accepted. */
  private answer(reply: SmtpReply): void {
    for (const index of this.accepted) this.outcomes[index] = outcomeOf(reply, this.host)
  }

  private async askRecipients(rcpts: readonly string[], pipelining: boolean): Promise<void> {
    for (const [index, rcpt] of rcpts.entries()) {
      if (!pipelining) this.session.wire.send(rcpt)
      const reply = await this.session.wire.read('RCPT', this.within(this.options.timeouts.rcpt))
      if (reply.code === 421) {
        // the host goes away, it does not speak of this recipient
        const reason = new HostError('RCPT', 'closing', reply).message
        for (let rest = index; rest < rcpts.length; rest++)
          this.outcomes[rest] = this.notAsked(reason)
        if (!pipelining) return
        continue
      }
      expectAnswer('RCPT', reply)
      const some = this.outcomes.some(({ kind }) => kind === 'delivered')
      this.outcomes[index] =
        some && isTooMany(reply)
          ? this.notAsked(`too many for one message: ${formatReply(reply)}`)
          : outcomeOf(reply, this.host)
    }
  }

  private async read(phase: 'MAIL' | 'DATA', ms: number): Promise<SmtpReply> {
    const reply = await this.session.wire.read(phase, this.within(ms))
    if (reply.code === 421) throw new HostError(phase, 'closing', reply)
    expectAnswer(phase, reply)
    return reply
  }

  /** Reads answers that change nothing. */
  private async skip(count: number): Promise<void> {
    const { rcpt } = this.options.timeouts
    for (let at = 0; at < count; at++) await this.session.wire.read('RCPT', this.within(rcpt))
  }

  /** Nobody is to get the message. */
  private async leave(pipelining: boolean): Promise<void> {
    const { timeouts } = this.options
    const { wire } = this.session
    if (pipelining) {
      const reply = await wire.read('DATA', this.within(timeouts.data))
      if (reply.code === 354) {
        // a host that wants a message for nobody does not get one: an empty one would be sent
        wire.destroy()
        return
      }
    }
    await reset(this.session, timeouts)
  }

  private within(ms: number): number {
    return Math.min(ms, this.options.until - performance.now())
  }
}

/**
 * Many clients declare 8BITMIME for whatever they send. A host without it is not refused a message
 * that is ASCII.
 */
async function withoutEightBit(envelope: Envelope, message: OutgoingMessage): Promise<Envelope> {
  for await (const chunk of message.octets()) {
    if (chunk.some((octet) => octet > 127)) return envelope
  }
  return { ...envelope, eightBit: false }
}

/** Too many recipients for one message, which is no refusal of the rest (RFC 5321 4.5.3.1.10). */
function isTooMany({ code, enhanced }: SmtpReply): boolean {
  if (enhanced !== '') return enhanced === '5.5.3' || enhanced === '4.5.3'
  return code === 552 || code === 452
}
