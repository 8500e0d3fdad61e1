/**
 * Is an observed domain ready to become authoritative? Haraka's log has every decision since it is
 * observed; the addresses that would have been refused are decided once more now, since somebody may
 * have added them to the directory meanwhile.
 */
import { open } from 'node:fs/promises'

import type {
  AcceptedDomain,
  AcceptedDomainsConfig,
} from '../../decision/accepted-domains-config.js'
import { parseMailAddress, type MailAddress } from '../../mail/mail-address.js'
import { readLines, readText } from '../../directory/text-lines.js'
import { decideRecipient, type SwitchParts } from '../../decision/mail-switch.js'
import { parseDecision } from '../../stage/decision-log.js'
import { ProgressBar } from '../progress-bar.js'
import { good, note, someOf, type Finding } from '../../operations/finding.js'

interface Seen {
  decisions: number
  /** by key: the address, and how often it would have been refused */
  readonly refused: Map<string, { readonly address: MailAddress; count: number }>
}

/** `log`: a file of Haraka's log lines. Rejects when it cannot be read. */
export async function checkObserved(
  acceptedDomains: AcceptedDomainsConfig,
  parts: SwitchParts,
  log: string | undefined,
): Promise<Finding[]> {
  const domains = acceptedDomains.domains.filter(({ observe }) => observe)
  if (domains.length === 0) return []
  const seen = log === undefined ? undefined : await readLog(log, acceptedDomains)
  return Promise.all(domains.map((domain) => judge(domain, parts, seen)))
}

async function readLog(
  log: string,
  { table }: AcceptedDomainsConfig,
): Promise<Map<AcceptedDomain, Seen>> {
  const bar = new ProgressBar(`Reading ${log}`)
  const seen = new Map<AcceptedDomain, Seen>()
  const file = await open(log)
  try {
    const { size } = await file.stat()
    for await (const lines of readLines(readText(file, (octets) => bar.at(octets / size)))) {
      for (const line of lines) {
        const decision = parseDecision(line)
        const address = decision && parseMailAddress(decision.recipient)
        const domain = address && table.find(address.domain)
        if (!address || !domain?.observe) continue
        const of = seen.get(domain) ?? { decisions: 0, refused: new Map() }
        seen.set(domain, of)
        of.decisions += 1
        if (!decision.observed) continue
        const known = of.refused.get(address.key)
        if (known) known.count += 1
        else of.refused.set(address.key, { address, count: 1 })
      }
    }
    return seen
  } finally {
    bar.end()
    await file.close()
  }
}

async function judge(
  domain: AcceptedDomain,
  parts: SwitchParts,
  seen: Map<AcceptedDomain, Seen> | undefined,
): Promise<Finding> {
  const where = `accepted-domains.ini observe ${domain.space.name}`
  const { decisions, refused } = seen?.get(domain) ?? {
    decisions: 0,
    refused: new Map() as Seen['refused'],
  }
  if (!seen || decisions === 0) {
    return note(
      where,
      seen ? 'the log has no decision for it' : 'is observed: decided as shared',
      'it is ready to become authoritative when nobody would be refused for long enough',
      'run check --log FILE with the log of the gateway, from the day it was put into observe',
    )
  }
  const still: string[] = []
  for (const { address, count } of [...refused.values()].sort((a, b) => b.count - a.count)) {
    const { decision } = await decideRecipient(parts, { ip: '', mayRelay: false }, address)
    if (decision.rule === 'directory-failure') return undecided(where, refused.size)
    if (!decision.accepted || decision.observed) still.push(`${address.key} (${count})`)
  }
  if (still.length === 0) {
    const told =
      refused.size === 0 ? 'none would be refused' : `all ${refused.size} are in the directory now`
    return good(where, `ready to become authoritative: ${decisions} decisions in the log, ${told}`)
  }
  return note(
    where,
    `not ready: of ${decisions} decisions in the log ${still.length} addresses would still be refused: ${someOf(still, 20)}`,
    'whoever writes to one of them would hear that it does not exist (550 5.1.1)',
    'add those that exist to the directory, as mailbox or contact; the rest nobody will miss',
  )
}

function undecided(where: string, addresses: number): Finding {
  return note(
    where,
    `${addresses} addresses of the log would have been refused; whether they would still be is unknown`,
    'the directory was not asked, or could not be read',
    'run check again without --offline when the directory answers',
  )
}
