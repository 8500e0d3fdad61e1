/**
 * What the directories hold, judged by the mail switch itself: each address that two objects have or
 * that leads on is decided as for a stranger, and what would not be delivered is a finding. Domains
 * that nobody serves, or of which the directories know nothing, are found on the way.
 */
import type { AcceptedDomain } from '../../decision/accepted-domains-config.js'
import type { Rule } from '../../decision/decide.js'
import { mailAddress, type MailAddress } from '../../mail/mail-address.js'
import { findInDirectories } from '../../directory/directories.js'
import type { Directory } from '../../directory/directory.js'
import { mailboxPlace } from '../../directory/mailboxes.js'
import { makeSwitch, type Configuration, type Part } from '../../decision/configuration.js'
import { decideRecipient, type Decided, type SwitchParts } from '../../decision/mail-switch.js'
import { note, someOf, wrong, type Finding } from '../../operations/finding.js'
import { checkObserved } from './observed.js'
import type { Survey } from './survey.js'

// of one kind; the rest is a number
const toldOfAKind = 10
const stranger = { ip: '', mayRelay: false }

const advices: Partial<Record<Rule, { why: string; todo: string }>> = {
  ambiguous: {
    why: 'nobody can say whose mail it is: it is deferred (450 4.1.4) until the sender gives up',
    todo: 'take the address away from all but one of the objects',
  },
  circle: {
    why: 'its mail can arrive nowhere, and is refused (550 5.4.6)',
    todo: 'let one of the contacts lead to where the person really is',
  },
  unroutable: {
    why: 'its mail is deferred (450 4.4.4) until a connector takes the target',
    todo: 'add the domain of the target to the address_spaces of a connector, or correct the target',
  },
  'unusable-contact': {
    why: 'a contact has no mailbox: without a target its mail is refused (550 5.1.1)',
    todo: 'set its targetAddress (SMTP:user@domain), or remove the contact',
  },
  fault: {
    why: 'its mail is deferred (450 4.3.5)',
    todo: 'enable the plugin that the message names',
  },
}

export interface Contents {
  readonly parts: readonly Part[]
  readonly configuration: Configuration
  /** in the order of directory.ini; those that could not be read among them */
  readonly directories: readonly (Survey | Directory)[]
}

/** `log`: Haraka's, for observed domains. Never rejects for what a directory holds. */
export async function checkContents(contents: Contents, log?: string): Promise<Finding[]> {
  const surveys = contents.directories.filter((one): one is Survey => 'addresses' in one)
  const complete =
    surveys.length > 0 &&
    surveys.length === contents.directories.length &&
    surveys.every((one) => one.complete)
  const parts = switchOver(contents)
  return [
    ...surveys.flatMap(checkRows),
    ...(await checkAddresses(surveys, parts)),
    ...checkShadows(surveys),
    ...checkDomains(contents, surveys, complete),
    ...(complete ? await checkPostmaster(parts) : []),
    ...(parts.acceptedDomains ? await checkObserved(parts.acceptedDomains, parts, log) : []),
  ]
}

function switchOver({ parts, configuration, directories }: Contents): SwitchParts {
  const settings = configuration.directories?.directories ?? []
  return makeSwitch(
    parts,
    configuration,
    {
      find: async (address, elsewhere) => findInDirectories(directories, address, elsewhere),
      mailboxPlace: (name, host) => {
        const found = settings.find((one) => one.name === name)
        return found && mailboxPlace(found, host)
      },
    },
    {
      isFrom: () => Promise.resolve(false),
      verify: () => Promise.resolve({ kind: 'unknown', reason: 'not asked' }),
    },
  )
}

function checkRows({ name, faults, joined }: Survey): Finding[] {
  const where = `directory ${name}`
  return [
    ...limited(
      where,
      faults.map((fault) =>
        wrong(
          where,
          fault,
          'whose it is cannot be told: its addresses, or everybody who is not found, get 450 4.4.3',
          'correct it where the directory is kept',
        ),
      ),
    ),
    ...limited(
      where,
      joined.map((value) =>
        note(
          where,
          value,
          'they are read as several addresses; another program may take them for one',
          'let each be a value of its own',
        ),
      ),
    ),
  ]
}

async function checkAddresses(surveys: readonly Survey[], parts: SwitchParts): Promise<Finding[]> {
  const findings = new Map<Rule, Finding[]>()
  const seen = new Set<string>()
  for (const { name, redirected, shared } of surveys) {
    for (const key of [...shared, ...redirected]) {
      if (seen.has(key)) continue
      seen.add(key)
      const decided = await decideRecipient(parts, stranger, addressOf(key))
      const finding = judge(name, key, decided)
      if (!finding) continue
      const { rule } = decided.decision
      findings.set(rule, [...(findings.get(rule) ?? []), finding])
    }
  }
  return [...findings.values()].flatMap((some) => limited(some[0]?.where ?? '', some))
}

function judge(directory: string, key: string, { decision }: Decided): Finding | undefined {
  const advice = advices[decision.rule]
  if (decision.accepted || !advice) return undefined
  return wrong(`directory ${directory}`, `${key}: ${decision.detail}`, advice.why, advice.todo)
}

function checkShadows(surveys: readonly Survey[]): Finding[] {
  return surveys.flatMap((later, index) =>
    surveys.slice(0, index).flatMap((earlier): Finding[] => {
      const both = [...later.addresses].filter((key) => earlier.addresses.has(key))
      if (both.length === 0) return []
      return [
        note(
          `directory ${later.name}`,
          `${someOf(both)}: in directory ${earlier.name} too`,
          `${earlier.name} stands first in directory.ini, so its object gets the mail`,
          'take the address out of one of them, or change their order',
        ),
      ]
    }),
  )
}

function checkDomains(
  { configuration: { acceptedDomains } }: Contents,
  surveys: readonly Survey[],
  complete: boolean,
): Finding[] {
  if (!acceptedDomains) return []
  const counts = new Map<string, number>()
  for (const { addresses } of surveys) {
    for (const key of addresses) {
      const { domain } = addressOf(key)
      counts.set(domain, (counts.get(domain) ?? 0) + 1)
    }
  }
  const findings: Finding[] = []
  const unserved = [...counts].filter(([domain]) => !acceptedDomains.table.find(domain))
  if (unserved.length > 0) {
    const list = unserved.sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} (${count})`)
    findings.push(
      note(
        'accepted-domains.ini',
        `domains of the directory that are no accepted domain: ${someOf(list)}`,
        'mail for these addresses is refused as an attempt to relay (550 5.7.1)',
        'add those that this gateway takes mail for',
      ),
    )
  }
  const known = new Map<unknown, number>()
  for (const [name, count] of counts) {
    const domain = acceptedDomains.table.find(name)
    known.set(domain, (known.get(domain) ?? 0) + count)
  }
  for (const domain of acceptedDomains.domains) {
    const finding = judgeDomain(domain, known.get(domain) ?? 0, complete)
    if (finding) findings.push(finding)
  }
  return findings
}

function judgeDomain(
  { type, observe, space }: AcceptedDomain,
  addresses: number,
  complete: boolean,
): Finding | undefined {
  const where = `accepted-domains.ini ${observe ? 'observe' : type}`
  if (type === 'relay') {
    if (addresses === 0) return undefined
    return note(
      where,
      `${space.name}: ${addresses} addresses of it are in a directory`,
      'they are not looked up: all its mail goes to the connector',
      'make it shared if mailboxes and contacts of the directory should count',
    )
  }
  if (addresses > 0 || !complete) return undefined
  const what = `${space.name}: no directory has an address of it`
  if (type === 'authoritative') {
    const todo = 'make it shared or relay, or look for base_dn and filter in directory.ini'
    return wrong(where, what, 'every recipient is refused (550 5.1.1)', todo)
  }
  const todo = 'make it relay if that is meant: then nothing is looked up'
  return note(where, what, 'all its mail goes to the other system', todo)
}

async function checkPostmaster(parts: SwitchParts): Promise<Finding[]> {
  const { acceptedDomains } = parts
  if (!acceptedDomains || !parts.decidesDomains) return []
  const { decision } = await decideRecipient(parts, stranger, mailAddress('postmaster', ''))
  if (decision.accepted) return []
  return [
    wrong(
      'accepted-domains.ini postmaster',
      `${acceptedDomains.postmaster.key} takes no mail: ${decision.detail}`,
      'mail for postmaster has to be accepted in every domain (RFC 5321 4.5.1)',
      'name an address that is in the directory, or that a connector takes from strangers',
    ),
  ]
}

function limited(where: string, findings: Finding[]): Finding[] {
  const rest = findings.length - toldOfAKind
  const [first] = findings
  if (rest <= 0 || !first) return findings
  return [
    ...findings.slice(0, toldOfAKind),
    { ...first, where, what: `and ${rest} more like these` },
  ]
}

function addressOf(key: string): MailAddress {
  const at = key.lastIndexOf('@')
  return mailAddress(key.slice(0, at), key.slice(at + 1))
}
