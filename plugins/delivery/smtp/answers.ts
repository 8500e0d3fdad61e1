/**
 * Answers that every way to send a message reads alike: what is no answer at all, the answer to the
 * message itself, and RSET.
 */
import { errorText } from '../../basics/error-text.js'
import { outcomeOf, type Outcome } from '../outcome.js'
import { isPositive, type SmtpReply } from './smtp-reply.js'
import { formatEndpoint, type Session } from './session.js'
import type { Timeouts } from './timeouts.js'
import { HostError } from './wire.js'

/**
 * 530 (wants AUTH or TLS first, RFC 4954 and 3207) is not about the mail: an administrator can mend
 * it. Nor is 503 (bad sequence of commands): host and client do not mean the same command. What is
 * neither yes nor no is no SMTP.
 */
export function expectAnswer(phase: string, reply: SmtpReply): void {
  const expected = phase === 'DATA' ? reply.code === 354 : isPositive(reply)
  if (reply.code === 530 || reply.code === 503 || (!expected && reply.code < 400)) {
    throw new HostError(phase, 'expected an answer', reply)
  }
}

/** The answers to the final dot, put in the place of the accepted recipients' outcomes. */
export async function readFinal(
  session: Session,
  accepted: readonly number[],
  outcomes: Outcome[],
  ms: number,
): Promise<void> {
  const { wire, endpoint } = session
  const host = formatEndpoint(endpoint)
  const end = performance.now() + ms
  let reply: SmtpReply | undefined
  for (const index of accepted) {
    try {
      if (reply === undefined || endpoint.protocol === 'lmtp') {
        const answer = wire.read('final dot', end - performance.now())
        reply = answer instanceof Promise ? await answer : answer
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
}

/** Makes the session ready for another message, or ends it. */
export async function reset(session: Session, timeouts: Timeouts): Promise<void> {
  // after 421 it carries no other
  if (session.wire.isLeaving) return
  try {
    session.wire.send('RSET')
    const reply = await session.wire.read('RSET', Math.min(10_000, timeouts.hello))
    if (!isPositive(reply)) session.wire.destroy()
  } catch {
    session.wire.destroy()
  }
}
