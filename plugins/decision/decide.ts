/**
 * The decision for one recipient: facts in, decision out. This is the only place that decides;
 * plugins, command line and stage all ask here, each by way of ../gateway/mail-switch.ts.
 *
 * A recipient is accepted with a destination, or refused with a reply. A refusal is permanent (550)
 * only where the facts are certain; what could not be found out, and what an administrator can mend,
 * is temporary (450). Replies name nothing but the recipient that the client itself wrote.
 *
 * The article, method 1 (steps 2 and 4) and method 2; RFC 3463 for the enhanced codes.
 */
import { mayNameHost, type MailAddress } from '../mail/mail-address.js'
import type { Place } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'
import type { Route } from './route.js'
import type { Resolution } from './redirect.js'
import type { AcceptedDomain } from './accepted-domains-config.js'

/** What is known of one recipient when the decision is made. */
export interface Facts {
  readonly recipient: MailAddress
  /** the client may send to foreign domains: authenticated, or allowed by a plugin */
  readonly mayRelay: boolean
  /** the recipient's accepted domain; `elsewhere`: another plugin accepts domains */
  readonly domain: AcceptedDomain | 'elsewhere' | undefined
  /** the last target's domain is authoritative: what the directory does not have does not exist */
  readonly targetIsAuthoritative: boolean
  /** what the directories say; `undefined`: not asked (foreign and relay domains) */
  readonly resolution: Resolution | undefined
  /** the connector for the last address; `undefined`: the connectors plugin is not enabled */
  readonly route: Route | undefined
  /** the client is itself a smart host of the route's connector */
  readonly cameFromThere: boolean
  /** where the mailbox is; `unlisted`: on a host that is in no list; undefined: nobody says */
  readonly mailboxPlace: Place | 'unlisted' | undefined
}

/** Which row of the table decided: the word in the log, in results and in `explain`. */
export type Rule =
  | 'mailbox'
  | 'contact'
  | 'shared'
  | 'relay'
  | 'foreign'
  | 'postmaster'
  | 'relaying-denied'
  | 'unknown'
  | 'unknown-there'
  | 'no-connector'
  | 'came-from-there'
  | 'unusable-contact'
  | 'circle'
  | 'unroutable'
  | 'ambiguous'
  | 'directory-failure'
  | 'fault'

/** Where an accepted recipient goes; `left`: to the queue plugin that follows. */
export type Destination = Place | { readonly kind: 'left' }

export interface Accepted {
  readonly accepted: true
  readonly rule: Rule
  readonly destination: Destination
  /** what the recipient is rewritten to; the recipient itself if nothing leads on */
  readonly address: MailAddress
  /** the domain is observed, and authoritative would have refused */
  readonly observed: boolean
}

export interface Refused {
  readonly accepted: false
  readonly rule: Rule
  readonly reply: Reply
  /** why, for the log; may name objects of the directory */
  readonly detail: string
}

export type Decision = Accepted | Refused

export function decide(facts: Facts): Decision {
  const { domain, resolution } = facts
  if (domain === undefined) return decideForeign(facts)
  if (domain !== 'elsewhere' && domain.type === 'relay') return passOn(facts, 'relay')
  const authoritative = domain !== 'elsewhere' && domain.type === 'authoritative'
  if (!resolution) {
    return authoritative
      ? fault('an authoritative domain, and no directory')
      : passOn(facts, 'shared')
  }

  switch (resolution.kind) {
    case 'mailbox': {
      const { directory, dn, host } = resolution
      if (facts.mailboxPlace === 'unlisted') {
        return fault(`${dn} is on host ${host ?? ''}, which [${directory} hosts] does not list`)
      }
      return accept(facts, 'mailbox', facts.mailboxPlace ?? { kind: 'left' })
    }
    case 'target':
      return decideTarget(facts)
    case 'contact':
      return decideUnfollowed(facts, resolution.dn)
    case 'unknown':
      return authoritative
        ? refuse('unknown', 550, '5.1.1', 'no such user', 'not in any directory')
        : passOn(facts, 'shared')
    case 'unusable': {
      const detail = `${resolution.dn} has no targetAddress that is an SMTP address`
      return refuse('unusable-contact', 550, '5.1.1', 'no such user', detail)
    }
    case 'circle': {
      const detail = resolution.steps.map((step) => step.dn).join(' -> ')
      return refuse('circle', 550, '5.4.6', 'forwarding loop', `contacts in a circle: ${detail}`)
    }
    case 'ambiguous': {
      const detail = `${resolution.dns.length} objects answer: ${resolution.dns.join(' and ')}`
      return refuse('ambiguous', 450, '4.1.4', 'address is ambiguous', detail)
    }
    case 'failed': {
      const detail = `directory ${resolution.directory}: ${resolution.reason}`
      return refuse('directory-failure', 450, '4.4.3', 'address lookup failed', detail)
    }
  }
}

/** A domain that is not ours: out of a connector or Haraka's outbound, for those who may. */
function decideForeign(facts: Facts): Decision {
  const { mayRelay, recipient, route, cameFromThere } = facts
  if (!mayRelay) {
    return refuse('relaying-denied', 550, '5.7.1', 'relaying denied', 'in no accepted domain')
  }
  if (recipient.domain === '') {
    return refuse('unknown', 550, '5.1.3', 'bad address', 'the null path is no recipient')
  }
  if (!route) return accept(facts, 'foreign', { kind: 'left' })
  if (route.kind !== 'connector') {
    return accept(facts, 'foreign', { kind: 'outbound', domain: recipient.domain })
  }
  if (cameFromThere) {
    const detail = `the client is a smart host of connector ${route.connector.name}`
    return refuse('came-from-there', 550, '5.4.6', 'routing loop', detail)
  }
  return accept(facts, 'foreign', { kind: 'connector', connector: route.connector.name })
}

/** Unknown in a shared domain, or in a relay domain: the connector's, if it takes it. */
function passOn(facts: Facts, rule: 'shared' | 'relay'): Decision {
  const { route, cameFromThere, domain, mayRelay, recipient } = facts
  const namesHost = !mayRelay && mayNameHost(recipient.local)
  if (!route && !(namesHost && domain !== 'elsewhere')) {
    return accept(facts, rule, { kind: 'left' })
  }
  if (route && route.kind !== 'connector') {
    // a router by domain: what no connector takes is the next queue plugin's
    if (domain === 'elsewhere') return accept(facts, rule, { kind: 'left' })
    const detail =
      route.kind === 'closed'
        ? `connector ${route.connector.name} is closed to strangers (allow_relay)`
        : 'no connector serves the domain'
    return refuse('no-connector', 550, '5.7.1', 'relaying denied', detail)
  }
  if (route && cameFromThere) {
    const detail = `not here, and the client is a smart host of connector ${route.connector.name}`
    return refuse('came-from-there', 550, '5.1.1', 'no such user', detail)
  }
  // the next system trusts this gateway, and would relay to that host for a stranger
  if (!route || namesHost) {
    const detail = 'its local part names another host'
    return refuse('relaying-denied', 550, '5.7.1', 'relaying denied', detail)
  }
  return accept(facts, rule, { kind: 'connector', connector: route.connector.name })
}

/** The last target of a contact goes by its own domain. The redirect is the administrator's. */
function decideTarget(facts: Facts): Decision {
  const { route, resolution, recipient, cameFromThere, domain, targetIsAuthoritative } = facts
  if (!route) return accept(facts, 'contact', { kind: 'left' })
  if (route.kind === 'connector' && !targetIsAuthoritative) {
    const { name } = route.connector
    // another address may go to the system that it came from; the same one has been there
    if (cameFromThere && resolution?.address.key === recipient.key) {
      const detail = `its own target, and the client is a smart host of connector ${name}`
      return refuse('came-from-there', 550, '5.1.1', 'no such user', detail)
    }
    return accept(facts, 'contact', { kind: 'connector', connector: name })
  }
  const to = resolution?.address.key ?? ''
  if (targetIsAuthoritative) {
    const detail = `the target ${to} is in an authoritative domain, but in no directory`
    return refuse('unroutable', 450, '4.4.4', 'unable to route', detail)
  }
  if (domain === 'elsewhere') return accept(facts, 'contact', { kind: 'left' })
  return refuse('unroutable', 450, '4.4.4', 'unable to route', `no connector takes ${to}`)
}

/** A contact that nobody follows, since the contacts plugin is not enabled. */
function decideUnfollowed(facts: Facts, dn: string): Decision {
  const { route, domain } = facts
  if (!route) return accept(facts, 'contact', { kind: 'left' })
  if (domain !== 'elsewhere' && domain?.type !== 'authoritative') return passOn(facts, 'shared')
  return fault(`${dn} is a contact, and the contacts plugin is not enabled`)
}

/** Configured, but wrong in a way that shows only now: never a permanent answer. */
export function fault(detail: string): Refused {
  return refuse('fault', 450, '4.3.5', 'temporary fault of the configuration', detail)
}

function accept(facts: Facts, rule: Rule, destination: Destination): Accepted {
  const { domain, resolution, recipient } = facts
  const observed = typeof domain === 'object' && domain.observe && resolution?.kind === 'unknown'
  return {
    accepted: true,
    rule,
    destination,
    address: resolution?.address ?? recipient,
    observed,
  }
}

export function refuse(
  rule: Rule,
  code: 450 | 550,
  enhanced: string,
  text: string,
  detail: string,
): Refused {
  return { accepted: false, rule, reply: { code, enhanced, text }, detail }
}
