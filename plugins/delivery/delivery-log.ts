/**
 * One line for each recipient and attempt, to be found by `delivery ` and the transaction's uuid:
 *
 *   delivery 4B2C….1 <jo@example.com> connector:unix delivered mail.unix.example[192.0.2.1]:25
 *     "250 2.0.0 ok" delay=0.4
 */
import { quoted } from '../basics/one-line.js'
import type { Log } from '../config/environment.js'
import { placeKey, type Place } from '../mail/place.js'
import { outcomeText, type Outcome } from './outcome.js'
import { remedyFor } from './smtp/advice.js'
import { judgeReply } from './smtp/judge.js'

export interface Attempt {
  readonly uuid: string
  readonly place: Place
  /** milliseconds since 1970 at which the message was taken */
  readonly since: number
}

export function logOutcomes(
  log: Log,
  attempt: Attempt,
  recipients: readonly string[],
  outcomes: readonly Outcome[],
): void {
  const delay = ((Date.now() - attempt.since) / 1000).toFixed(1)
  outcomes.forEach((outcome, index) => {
    const { kind, host } = outcome
    const line = [
      `delivery ${attempt.uuid} <${recipients[index]}> ${placeKey(attempt.place)} ${kind}`,
      ...(host === '' ? [] : [host]),
      `${quoted(outcomeText(outcome))} delay=${delay}`,
    ].join(' ')
    if (kind === 'delivered') log.notice(line)
    else log.warn(line)
    if (kind === 'refused' && host !== '' && judgeReply(outcome.reply, 'dot') === 'us') {
      log.warn(`delivery ${attempt.uuid}: ${remedyFor(outcome.reply)}`)
    }
  })
}
