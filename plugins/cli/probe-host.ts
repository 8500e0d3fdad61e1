/**
 * Asks one host about an address that cannot exist, in the words of delivery; with `send` it hands a
 * small message over if the address is taken.
 */
import { outcomeText } from '../delivery/outcome.js'
import { formatReply, isPositive, type SmtpReply } from '../delivery/smtp/reply.js'
import {
  formatEndpoint,
  openSession,
  type Endpoint,
  type Session,
  type SessionOptions,
} from '../delivery/smtp/session.js'
import { sendMessage } from '../delivery/smtp/transaction.js'
import { HostError } from '../delivery/smtp/wire.js'

export interface Probed {
  readonly host: string
  readonly verdict: 'authoritative' | 'accepts' | 'refuses all' | 'no answer'
  /** the host's reply, or why there is none */
  readonly words: string
  /** a message was handed over */
  readonly sent: boolean
}

export interface ProbeOptions {
  readonly session: SessionOptions
  readonly send: boolean
}

// milliseconds for the whole dialogue
const patience = 30_000

/** Never rejects for what the host does. */
export async function askAboutNobody(
  endpoint: Endpoint,
  address: string,
  { session: options, send }: ProbeOptions,
): Promise<Probed> {
  const host = formatEndpoint(endpoint)
  const until = Date.now() + patience
  try {
    const session = await openSession(endpoint, options, until)
    try {
      const reply = await inquire(session, address, until)
      const verdict = judge(reply)
      const words = formatReply(reply)
      if (verdict !== 'accepts' || !send) return { host, verdict, words, sent: false }
      const outcome = await handOver(session, address, options, until)
      // some hosts look for the recipient only when they have the message
      const late = outcome.kind === 'refused' ? judge(outcome.reply) : verdict
      return {
        host,
        verdict: late,
        words: outcomeText(outcome),
        sent: outcome.kind === 'delivered',
      }
    } finally {
      await session.wire.quit()
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { host, verdict: 'no answer', words: error.message, sent: false }
  }
}

async function inquire({ wire }: Session, address: string, until: number): Promise<SmtpReply> {
  const ask = async (command: string): Promise<SmtpReply> => {
    wire.send(command)
    return wire.read(command.split(' ', 1)[0] ?? '', until - Date.now())
  }
  const mail = await ask('MAIL FROM:<>')
  if (!isPositive(mail)) throw new HostError('MAIL', 'refused the null sender', mail)
  const reply = await ask(`RCPT TO:<${address}>`)
  await ask('RSET')
  return reply
}

function judge(reply: SmtpReply): Probed['verdict'] {
  if (isPositive(reply)) return 'accepts'
  if (reply.code < 500) return 'no answer'
  const aboutAddress =
    reply.enhanced === ''
      ? [550, 551, 553].includes(reply.code)
      : /^5\.(?:1\.|2\.1|4\.1)/u.test(reply.enhanced)
  return aboutAddress ? 'authoritative' : 'refuses all'
}

async function handOver(
  session: Session,
  address: string,
  { gatewayName, timeouts }: SessionOptions,
  until: number,
) {
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
    async *octets() {
      yield await Promise.resolve(body)
    },
  }
  const envelope = { from: '', size: body.length, eightBit: false, utf8: false }
  const [outcome] = await sendMessage(session, envelope, [{ path: address }], message, {
    timeouts,
    until,
    prefix: '',
  })
  if (!outcome) throw new HostError('message', 'no outcome')
  return outcome
}
