/**
 * Asks one host about an address that cannot exist and one that does (postmaster of the domain, or
 * the one that is named), as verify_recipients asks; with `send` it hands a small message to the one
 * that cannot exist, if it is taken.
 */
import { outcomeText } from '../delivery/outcome.js'
import { judgeReply } from '../delivery/smtp/judge.js'
import { formatReply } from '../delivery/smtp/smtp-reply.js'
import {
  formatEndpoint,
  openSession,
  type Endpoint,
  type Session,
  type SessionOptions,
} from '../delivery/smtp/session.js'
import { sendMessage } from '../delivery/smtp/transaction.js'
import { HostError } from '../delivery/smtp/wire.js'
import { beliefOf, type Belief } from '../delivery/verify/belief.js'
import { inquire, type Answered } from '../delivery/verify/question.js'
import { inOnePiece } from '../mail/message.js'

export interface Probed {
  readonly host: string
  readonly verdict: Belief['kind'] | 'no answer'
  /** the host's reply to the address of no one, or why there is none */
  readonly words: string
  /** milliseconds that it lets those wait who ask for an unknown address */
  readonly tarpit: number
  /** a message was handed over */
  readonly sent: boolean
  /** it was refused only when the host had the message */
  readonly late: boolean
  /** where everybody is refused: the reply that says why, and what it is about */
  readonly refusal?: Pick<Answered, 'about' | 'reply'>
}

export interface ProbeOptions {
  readonly session: SessionOptions
  readonly send: boolean
  /** an address that exists there */
  readonly existing: string
}

// milliseconds for the whole dialogue
const patience = 60_000

/** Never rejects for what the host does. */
export async function askAboutNobody(
  endpoint: Endpoint,
  address: string,
  { session: options, send, existing }: ProbeOptions,
): Promise<Probed> {
  const host = formatEndpoint(endpoint)
  const until = performance.now() + patience
  const nothing = { host, tarpit: 0, sent: false, late: false }
  try {
    const session = await openSession(endpoint, options, until)
    try {
      const [postmaster, madeUp] = await inquire(session, [existing, address], until)
      if (!postmaster || !madeUp) throw new HostError('RCPT', 'expected two answers, got fewer')
      const belief = beliefOf({ postmaster, madeUp }, false)
      const asked = { ...nothing, verdict: belief.kind, words: formatReply(madeUp.reply) }
      switch (belief.kind) {
        case 'tells apart':
          return { ...asked, tarpit: belief.tarpit }
        case 'refuses all':
          return { ...asked, refusal: belief.answer }
        case 'cannot say':
          return { ...asked, words: `${asked.words} (${belief.reason})` }
        case 'takes all':
          return send ? await handOver(session, address, options, { until, asked }) : asked
      }
    } finally {
      await session.wire.quit()
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { ...nothing, verdict: 'no answer', words: error.message }
  }
}

/** Some hosts look for the recipient only when they have the message. */
async function handOver(
  session: Session,
  address: string,
  { gatewayName, timeouts }: SessionOptions,
  { until, asked }: { readonly until: number; readonly asked: Probed },
): Promise<Probed> {
  const date = new Date().toUTCString().replace('GMT', '+0000')
  const text = [
    `From: <postmaster@${gatewayName}>`,
    `To: <${address}>`,
    'Subject: a probe of the mail routing',
    `Date: ${date}`,
    `Message-ID: <${address.split('@', 1)[0] ?? ''}@${gatewayName}>`,
    'Auto-Submitted: auto-generated',
    '',
    'An administrator asks whether this system takes mail for addresses that do not exist.',
    '',
  ].join('\r\n')
  const body = Buffer.from(text)
  const message = {
    size: body.length,
    eightBit: false,
    utf8: false,
    ...inOnePiece(body),
  }
  const envelope = { from: '', size: body.length, eightBit: false, utf8: false }
  const [outcome] = await sendMessage(session, envelope, [{ path: address }], message, {
    timeouts,
    until,
    prefix: '',
  })
  if (!outcome) throw new HostError('message', 'no outcome')
  const words = outcomeText(outcome)
  if (outcome.kind !== 'refused') return { ...asked, words, sent: outcome.kind === 'delivered' }
  const about = judgeReply(outcome.reply, 'dot')
  if (about === 'address') return { ...asked, words, verdict: 'tells apart', late: true }
  if (about === 'us')
    return { ...asked, words, verdict: 'refuses all', refusal: { about, reply: outcome.reply } }
  return { ...asked, words, verdict: 'cannot say' }
}
