/**
 * Asks a connector's host, over the session that greeted it, about two addresses of each domain of the
 * connector: one that cannot exist and postmaster. No mail is sent.
 */
import { randomUUID } from 'node:crypto'

import type { Connector } from '../../decision/connectors-config.js'
import { formatEndpoint, type Session } from '../../delivery/smtp/session.js'
import { HostError } from '../../delivery/smtp/wire.js'
import { beliefOf } from '../../delivery/verify/belief.js'
import { inquire } from '../../delivery/verify/question.js'
import { cannotVerify, findingOf } from '../../operations/asked-host.js'
import type { Finding } from '../../operations/finding.js'

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
      const [postmaster, madeUp] = await inquire(session, pair, performance.now() + patience)
      if (!postmaster || !madeUp) continue
      const belief = beliefOf({ postmaster, madeUp }, false)
      findings.push(...findingOf({ where, host, domain, belief, verifyRecipients }))
    } catch (error) {
      if (!(error instanceof HostError)) throw error
      const reason = `${host} ends the session when asked about addresses of ${domain}: ${error.message}`
      if (verifyRecipients) findings.push(cannotVerify(where, reason))
      break
    }
  }
  return findings
}
