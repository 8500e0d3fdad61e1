/**
 * A decision as others read it: recipient, decision, directory, chain of rewrites, connector. It is
 * the entry in `transaction.results`, the line in the log and what the command line prints, and the
 * reply to RCPT.
 */
import type { Decision } from './decide.js'
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
  readonly observed?: true
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
        ...(decision.observed && { observed: true as const }),
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
  return {
    recipient,
    decision: decision.rule,
    ...outcome,
    ...(directory !== undefined && { directory }),
    ...(chain.length > 1 && { chain }),
    ...(route?.kind === 'connector' && { connector: route.connector.name }),
  }
}

/** `decision=shared recipient=<a@b> place=connector:unix …`, for people and for grep. */
export function formatRecord(record: DecisionRecord): string {
  const { recipient, decision, place, reply, directory, chain, detail, observed } = record
  const words = [
    `decision=${decision}`,
    `recipient=<${recipient}>`,
    place === undefined ? `reply="${reply ?? ''}"` : `place=${place}`,
    ...(directory === undefined ? [] : [`directory=${directory}`]),
    ...(chain === undefined ? [] : [`chain=${chain.join('>')}`]),
    ...(observed === true ? ['observed=would-be-refused'] : []),
    ...(detail === undefined ? [] : [`detail="${detail}"`]),
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
