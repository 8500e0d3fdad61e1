/**
 * The mail switch: gathers the facts about one recipient (domain rule, directory, connector, where
 * the client sits) and has them decided. Haraka's plugins and the command line ask the same one.
 *
 * `decideRecipient` never rejects. It settles as the directories do, which answer within their time-outs.
 * The configuration is taken once at the start of a decision, so that a reload cannot split it.
 */
import { isPostmaster, type MailAddress } from '../mail/mail-address.js'
import type { Verification } from '../mail/verification.js'
import type { AcceptedDomain, AcceptedDomainsConfig } from './accepted-domains-config.js'
import { decide, fault, refuse, type Decision, type Facts } from './decide.js'
import { followContacts, type Resolution } from './redirect.js'
import type { Connector } from './connectors-config.js'
import type { Origin } from './origin.js'
import type { RouteTable } from './route.js'
import type { FindAddress } from '../directory/directory.js'
import type { Place } from '../mail/place.js'

/** The parts of the pack that are enabled, and what they can do. */
export interface SwitchParts {
  /** whether the accepted-domains plugin is enabled; else another plugin says what is ours */
  readonly decidesDomains: boolean
  /** what is looked up in directories; absent: everything that another plugin accepted */
  readonly acceptedDomains?: AcceptedDomainsConfig
  /** absent: there is no directory */
  readonly directories?: {
    readonly find: FindAddress
    /** where a mailbox of the directory is, by its own host if it names one */
    mailboxPlace(directory: string, host?: string): Place | 'unlisted' | undefined
  }
  /** contacts are followed */
  readonly contacts: boolean
  /** absent: another plugin queues */
  readonly connectors?: {
    readonly routes: RouteTable
    /** whether the client is the system behind the connector (origin.ts) */
    isFrom(connector: Connector, client: Client): Promise<boolean>
    /** asks the connector's smart host about a recipient (verify_recipients) */
    verify(connector: Connector, recipient: MailAddress): Promise<Verification>
  }
}

export interface Client extends Origin {
  readonly mayRelay: boolean
  /**
   * MAIL FROM:<>, as mail systems ask each other about a recipient. Such a question is not passed on:
   * two systems that verify at each other would ask forever.
   */
  readonly nullSender?: boolean
}

/** A decision with the facts it was made from. */
export interface Decided {
  readonly decision: Decision
  readonly facts: Facts
}

export async function decideRecipient(
  parts: SwitchParts,
  client: Client,
  recipient: MailAddress,
): Promise<Decided> {
  const first = await decideOne(parts, client, recipient)
  const { acceptedDomains, decidesDomains } = parts
  if (!acceptedDomains || !decidesDomains || !isPostmaster(recipient)) return first
  if (!needsPostmaster(first, recipient)) return first

  const { postmaster } = acceptedDomains
  // another address may go to the system that it came from, as a contact's target may
  const asked = postmaster.key === recipient.key ? client : { ...client, ip: '' }
  const second = await decideOne(parts, asked, postmaster)
  if (second.decision.accepted) {
    return { ...second, decision: { ...second.decision, rule: 'postmaster' } }
  }
  if (second.decision.reply.code < 500) return second
  const detail = `postmaster = ${postmaster.key}: ${second.decision.detail}`
  return { ...second, decision: fault(detail) }
}

/** Whether mail for a postmaster has to go where the configuration says (RFC 5321 4.5.1). */
function needsPostmaster({ decision, facts }: Decided, recipient: MailAddress): boolean {
  if (recipient.domain === '') return true
  if (facts.domain === undefined) return false
  if (facts.resolution?.kind === 'failed') return false
  return !decision.accepted || decision.rule === 'shared'
}

async function decideOne(
  parts: SwitchParts,
  client: Client,
  recipient: MailAddress,
): Promise<Decided> {
  const { acceptedDomains, connectors } = parts
  const domain = parts.decidesDomains ? acceptedDomains?.table.find(recipient.domain) : 'elsewhere'
  const resolution = await resolve(parts, domain, recipient)
  const address = resolution?.address ?? recipient
  const route = isRouted(resolution)
    ? connectors?.routes.choose(
        address.domain,
        needsOpenConnector(client.mayRelay, domain, resolution),
      )
    : undefined
  const known: Facts = {
    recipient,
    mayRelay: client.mayRelay,
    domain,
    targetIsAuthoritative:
      resolution?.kind === 'target' &&
      acceptedDomains?.table.find(address.domain)?.type === 'authoritative',
    resolution,
    route,
    cameFromThere: false,
    mailboxPlace:
      connectors && resolution?.kind === 'mailbox'
        ? parts.directories?.mailboxPlace(resolution.directory, resolution.host)
        : undefined,
  }
  const first = { decision: decide(known), facts: known }
  const decided = (await ifCameFromThere(parts, client, first)) ?? first
  return (await ifUnknownThere(parts, client, decided)) ?? decided
}

/** Whether the directory's answer leaves it to a connector. */
export function isRouted(resolution: Resolution | undefined): boolean {
  switch (resolution?.kind) {
    case undefined:
    case 'unknown':
    case 'target':
    case 'contact':
      return true
    case 'mailbox':
    case 'unusable':
    case 'circle':
    case 'ambiguous':
    case 'failed':
      return false
  }
}

/** A stranger needs an open connector only where he chooses the address; a contact's is ours. */
export function needsOpenConnector(
  mayRelay: boolean,
  domain: Facts['domain'],
  resolution: Resolution | undefined,
): boolean {
  return !mayRelay && domain !== 'elsewhere' && resolution?.kind !== 'target'
}

function resolve(
  { acceptedDomains, directories, contacts }: SwitchParts,
  domain: AcceptedDomain | 'elsewhere' | undefined,
  recipient: MailAddress,
): Promise<Resolution> | undefined {
  const isLookedUp = (name: string): boolean => {
    const type = acceptedDomains ? acceptedDomains.table.find(name)?.type : 'shared'
    return type === 'authoritative' || type === 'shared'
  }
  if (!directories || domain === undefined || recipient.domain === '') return undefined
  if (!isLookedUp(recipient.domain)) return undefined
  return followContacts(recipient, {
    find: (one, elsewhere) => directories.find(one, elsewhere),
    isLookedUp,
    recipientDelimiter: acceptedDomains?.recipientDelimiter ?? '',
    follow: contacts,
  })
}

/**
 * What is decided for a client that is the system behind the connector. Asked only where it makes a
 * difference: whose addresses these are may have to be found in DNS.
 */
function ifCameFromThere(
  { connectors }: SwitchParts,
  client: Client,
  { decision, facts }: Decided,
): Promise<Decided | undefined> | undefined {
  const { route } = facts
  if (!connectors || route?.kind !== 'connector') return undefined
  const back = { ...facts, cameFromThere: true }
  const refused = { decision: decide(back), facts: back }
  if (refused.decision.rule === decision.rule) return undefined
  return connectors.isFrom(route.connector, client).then((isFrom) => (isFrom ? refused : undefined))
}

/** A recipient that only the next system knows is asked for there, where the connector says so. */
function ifUnknownThere(
  { connectors }: SwitchParts,
  { nullSender }: Client,
  { decision, facts }: Decided,
): Promise<Decided | undefined> | undefined {
  if (nullSender === true) return undefined
  if (!connectors || !decision.accepted || decision.rule !== 'shared') return undefined
  if (facts.route?.kind !== 'connector' || !facts.route.connector.verifyRecipients) return undefined
  const { connector } = facts.route
  return connectors.verify(connector, decision.address).then((answer) => {
    if (answer.kind !== 'no') return undefined
    const detail = `connector ${connector.name} refuses it: ${answer.host} said: ${answer.words}`
    return { decision: refuse('unknown-there', 550, '5.1.1', 'no such user', detail), facts }
  })
}
