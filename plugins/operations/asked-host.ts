/**
 * What follows from how a connector's host answers about recipients, for `check` and the status page:
 *
 *   tells apart  good
 *   takes all    worth a look where verify_recipients is set: it cannot help
 *   refuses all  wrong where the words are about us: mail for existing users would come back
 *   cannot say   worth a look where verify_recipients is set
 */
import { remedyFor } from '../delivery/smtp/advice.js'
import { describeBelief, type Belief } from '../delivery/verify/belief.js'
import { wordsOf } from '../delivery/verify/question.js'
import { good, note, wrong, type Finding } from './finding.js'

export interface AskedHost {
  readonly where: string
  readonly host: string
  readonly domain: string
  readonly belief: Belief
  readonly verifyRecipients: boolean
}

/** At most one; none where there is nothing to say. */
export function findingOf({ where, host, domain, belief, verifyRecipients }: AskedHost): Finding[] {
  const what = `${host} ${describeBelief(belief)} (${domain})`
  switch (belief.kind) {
    case 'tells apart':
      return verifyRecipients ? [good(where, what)] : []
    case 'takes all':
    case 'cannot say':
      return verifyRecipients ? [cannotVerify(where, what)] : []
    case 'refuses all': {
      const { answer } = belief
      const said = `${what}: ${wordsOf(answer)}`
      if (answer.about === 'us') {
        const why =
          'that is about this gateway, not about the addresses: mail for existing users would come back'
        return [wrong(where, said, why, remedyFor(answer.reply))]
      }
      return verifyRecipients ? [noPostmaster(where, said)] : []
    }
  }
}

export function cannotVerify(where: string, what: string): Finding {
  return note(
    where,
    what,
    'verify_recipients cannot help: unknown recipients are accepted, and reported to the sender later',
    'let that system refuse unknown recipients at RCPT, or set verify_recipients = false',
  )
}

function noPostmaster(where: string, what: string): Finding {
  return note(
    where,
    what,
    'it cannot be told from a host that refuses everybody, and is believed only after it took somebody',
    'let that system take mail for postmaster of the domain (RFC 5321 4.5.1)',
  )
}
