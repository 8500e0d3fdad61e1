/**
 * Asks a connector's host, over the session that greeted it, about two addresses of each domain of the
 * connector: one that cannot exist and postmaster. No mail is sent.
 *
 *   tells apart  good
 *   takes all    worth a look where verify_recipients is set: it cannot help
 *   refuses all  wrong where the words are about us: mail for existing users would come back
 *   cannot say   worth a look where verify_recipients is set
 */
import { randomUUID } from 'node:crypto'

import type { Connector } from '../../decision/connectors-config.js'
import { beliefOf, describeBelief, type Belief } from '../../delivery/verify/belief.js'
import { inquire, wordsOf } from '../../delivery/verify/question.js'
import { remedyFor } from '../../delivery/smtp/advice.js'
import { formatEndpoint, type Session } from '../../delivery/smtp/session.js'
import { HostError } from '../../delivery/smtp/wire.js'
import { good, note, wrong, type Finding } from '../../operations/finding.js'

// a connector for very many domains is judged by the first ones
const mostDomains = 5
// milliseconds for one domain: a tarpit takes some
const patience = 15_000

export async function askHost(
  where: string,
  session: Session,
  { verifyRecipients }: Connector,
  domains: readonly string[],
): Promise<Finding[]> {
  const host = formatEndpoint(session.endpoint)
  const findings: Finding[] = []
  for (const domain of domains.slice(0, mostDomains)) {
    try {
      const pair = [`postmaster@${domain}`, `${randomUUID()}@${domain}`]
      const [postmaster, madeUp] = await inquire(session, pair, Date.now() + patience)
      if (!postmaster || !madeUp) continue
      const belief = beliefOf({ postmaster, madeUp }, false)
      findings.push(...describe(where, { host, domain, belief, verifyRecipients }))
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      const reason = `${host} ends the session when asked about addresses of ${domain}: ${error.message}`
      if (verifyRecipients) findings.push(cannotVerify(where, reason))
      break
    }
  }
  return findings
}

interface Asked {
  readonly host: string
  readonly domain: string
  readonly belief: Belief
  readonly verifyRecipients: boolean
}

function describe(where: string, { host, domain, belief, verifyRecipients }: Asked): Finding[] {
  const what = `${host} ${describeBelief(belief)} (${domain})`
  switch (belief.kind) {
    case 'tells apart':
      return verifyRecipients ? [good(where, what)] : []
    case 'takes all':
      return verifyRecipients ? [cannotVerify(where, what)] : []
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

function cannotVerify(where: string, what: string): Finding {
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
