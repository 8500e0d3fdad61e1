/**
 * A decision as others read it: recipient, decision, directory, chain of rewrites, connector. It is
 * the entry in `transaction.results`, the line in the log and what the command line prints, and the
 * reply to RCPT.
 */
import { quoted } from '../basics/one-line.js'
import type { Decision, Facts } from './decide.js'
import { formatMailAddress } from '../mail/mail-address.js'
import { placeKey } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'
import type { Decided } from './mail-switch.js'

export interface DecisionRecord {
  readonly recipient: string
  /** the rule that decided */
  readonly decision: string
  /** where an accepted recipient goes: connector:…, mailbox-host:…, outbound:…, left */
  readonly place?: string
  /** the reply of a refusal, and why */
  readonly reply?: string
  readonly detail?: string
  readonly directory?: string
  /** every address on the way, the recipient first */
  readonly chain?: readonly string[]
  readonly connector?: string
  /** authoritative would have refused: the address space that is observed */
  readonly observed?: string
}

export function recordOf(recipient: string, { decision, facts }: Decided): DecisionRecord {
  const { resolution, route } = facts
  const directory =
    resolution && 'directory' in resolution
      ? resolution.directory
      : resolution?.steps.at(-1)?.directory
  const outcome = decision.accepted
    ? {
        place: decision.destination.kind === 'left' ? 'left' : placeKey(decision.destination),
        ...(decision.observed && { observed: observedSpace(facts) }),
      }
    : {
        reply: `${decision.reply.code} ${decision.reply.enhanced}`,
        detail: decision.detail,
      }
  const steps = resolution?.steps ?? []
  const last = decision.accepted ? formatMailAddress(decision.address) : undefined
  const leads = steps.filter(({ from, to }) => from.key !== to.key)
  const chain = [recipient, ...leads.map(({ to }) => formatMailAddress(to))]
  if (last !== undefined && steps.length === 0 && decision.rule === 'postmaster') chain.push(last)
  const connector = connectorOf(decision, route)
  return {
    recipient,
    decision: decision.rule,
    ...outcome,
    ...(directory !== undefined && { directory }),
    ...(chain.length > 1 && { chain }),
    ...(connector !== undefined && { connector }),
  }
}

/** The connector that has to do with the decision: it takes the recipient, or is why nobody does. */
function connectorOf(decision: Decision, route: Facts['route']): string | undefined {
  if (decision.accepted) {
    const { destination } = decision
    return destination.kind === 'connector' ? destination.connector : undefined
  }
  const isAbout = decision.rule === 'came-from-there' || decision.rule === 'unknown-there'
  return isAbout && route?.kind === 'connector' ? route.connector.name : undefined
}

function observedSpace({ domain, recipient }: Facts): string {
  return typeof domain === 'object' ? domain.space.name : recipient.domain
}

/**
 * `decision=shared recipient="a@b" place="connector:unix" …`, for people and for grep. Values are JSON:
 * whatever a client or a directory has put into one, it stays that value (`parseDecision` reads it back).
 */
export function formatRecord(record: DecisionRecord): string {
  const { recipient, decision, place, reply, directory, chain, detail, observed } = record
  const words = [
    `decision=${decision}`,
    `recipient=${quoted(recipient)}`,
    place === undefined ? `reply=${quoted(reply ?? '')}` : `place=${quoted(place)}`,
    ...(directory === undefined ? [] : [`directory=${quoted(directory)}`]),
    ...(chain === undefined ? [] : [`chain=[${chain.map(quoted).join(',')}]`]),
    ...(observed === undefined ? [] : ['observed="would-be-refused"']),
    ...(detail === undefined ? [] : [`detail=${quoted(detail)}`]),
  ]
  return words.join(' ')
}

/** The reply to RCPT; it names nothing but the recipient that the client itself wrote. */
export function replyTo(recipient: string, decision: Decision): Reply {
  if (decision.accepted) {
    return { code: 250, enhanced: '2.1.5', text: `<${recipient}> recipient ok` }
  }
  const { reply } = decision
  return { ...reply, text: `<${recipient}> ${reply.text}` }
}
