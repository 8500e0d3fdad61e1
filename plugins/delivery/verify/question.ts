/**
 * Asks a host about recipients over a session that is ready for MAIL: the null sender, RCPT for each,
 * RSET, no DATA (RFC 5321 3.3). The one dialogue of verify_recipients, `check` and `probe`.
 *
 * An answer says at which step it came: a MAIL that is refused is the answer for every recipient. A
 * host that closes, with 421 or without a word, has answered nobody: HostError.
 */
import { judgeReply, type About } from '../smtp/judge.js'
import { formatReply, isPositive, makeReply, type SmtpReply } from '../smtp/smtp-reply.js'
import type { Session } from '../smtp/session.js'
import { HostError } from '../smtp/wire.js'

/** No answer could be had: no session, a host that closes or is silent, too many questions. */
export class NotAskedError extends Error {
  override readonly name = 'NotAskedError'
}

export interface Answered {
  readonly about: About
  readonly reply: SmtpReply
  /** how long the host took to say it */
  readonly milliseconds: number
}

// eslint-disable-next-line no-control-regex -- the ASCII range
const beyondAscii = /[^\u0000-\u007f]/u

/**
 * An answer for each recipient, in order. `until` is the end of patience, by performance.now().
 * Rejects with HostError; the session is of no use then.
 */
export async function inquire(
  { wire, extensions }: Session,
  recipients: readonly string[],
  until: number,
): Promise<Answered[]> {
  const ask = async (command: string, step: 'MAIL' | 'RCPT'): Promise<Answered> => {
    const started = performance.now()
    wire.send(command)
    const reply = await wire.read(step, until - performance.now())
    if (reply.code === 421) throw new HostError(step, 'closes', reply)
    return { about: judgeReply(reply, step), reply, milliseconds: performance.now() - started }
  }
  const utf8 = recipients.some((recipient) => beyondAscii.test(recipient))
  if (utf8 && !extensions.has('SMTPUTF8')) return recipients.map(() => cannotBeAsked)
  const mail = await ask(`MAIL FROM:<>${utf8 ? ' SMTPUTF8' : ''}`, 'MAIL')
  if (mail.about !== 'taken') return recipients.map(() => mail)
  const answers: Answered[] = []
  for (const recipient of recipients) answers.push(await ask(`RCPT TO:<${recipient}>`, 'RCPT'))
  wire.send('RSET')
  try {
    if (!isPositive(await wire.read('RSET', until - performance.now()))) wire.destroy()
  } catch {
    wire.destroy()
  }
  return answers
}

/** RFC 6531 3.2: such an address is not even named to a host without SMTPUTF8. */
const cannotBeAsked: Answered = {
  about: 'message',
  reply: makeReply(553, ['5.6.7 the host does not offer SMTPUTF8']),
  milliseconds: 0,
}

/** `550 5.1.1 no such user`, for logs and people. */
export function wordsOf({ reply }: Answered): string {
  return formatReply(reply)
}
