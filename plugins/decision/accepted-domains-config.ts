/**
 * accepted-domains.ini: the address spaces this gateway takes mail for, and of which type each is.
 *
 * Exchange calls the types authoritative, internal relay (shared, non-authoritative in the article)
 * and external relay. Every error of the file is reported at once.
 */
import { AddressSpaceTable, parseAddressSpace, type AddressSpace } from '../mail/address-space.js'
import { parseMailAddress, type MailAddress } from '../mail/mail-address.js'
import { readIni } from '../config/ini.js'
import { ConfigError, Settings } from '../config/settings.js'

export interface AcceptedDomain {
  readonly space: AddressSpace
  readonly type: 'authoritative' | 'shared' | 'relay'
  /** decided as shared, but what authoritative would refuse is logged */
  readonly observe: boolean
}

/** How strangers are treated who try out addresses. */
export interface HarvestRules {
  /** unknown recipients in a session; after them it hears 421; 0: never */
  readonly rejectAfter: number
  /** milliseconds that each unknown recipient adds to the wait, from the fourth on; 0: no wait */
  readonly delay: number
}

export interface AcceptedDomainsConfig {
  /** in the order written */
  readonly domains: readonly AcceptedDomain[]
  readonly table: AddressSpaceTable<AcceptedDomain>
  /** where mail for postmaster goes when the directory has none (RFC 5321 4.5.1) */
  readonly postmaster: MailAddress
  /** the separator of sub-addresses (RFC 5233); empty: none */
  readonly recipientDelimiter: string
  readonly harvesting: HarvestRules
}

export const acceptedDomainsFile = 'accepted-domains.ini'

const lists = {
  authoritative: { type: 'authoritative', observe: false },
  shared: { type: 'shared', observe: false },
  relay: { type: 'relay', observe: false },
  observe: { type: 'shared', observe: true },
} as const

/** Reads the lines of accepted-domains.ini. Throws ConfigError with every error of the file. */
export function parseAcceptedDomains(lines: readonly string[]): AcceptedDomainsConfig {
  const { sections, errors } = readIni(acceptedDomainsFile, lines)
  for (const name of sections.keys()) {
    if (name === '' || name === 'main' || name === 'harvesting') continue
    errors.push(`${acceptedDomainsFile} [${name}]: unknown section; expected [harvesting] or none`)
  }
  const values = new Map([...(sections.get('') ?? []), ...(sections.get('main') ?? [])])
  const settings = new Settings(acceptedDomainsFile, '', values, errors)
  const { domains, table } = readDomains(settings)
  const postmaster = readPostmaster(settings)
  const recipientDelimiter = settings.text('recipient_delimiter')
  if (recipientDelimiter !== '' && !/^[^\p{L}\p{N}\s@"\\]$/u.test(recipientDelimiter)) {
    settings.wrong('recipient_delimiter', 'one sign such as + or -', recipientDelimiter)
  }
  settings.finish()
  const harvesting = readHarvesting(
    new Settings(acceptedDomainsFile, 'harvesting', sections.get('harvesting'), errors),
  )
  if (domains.length === 0 && errors.length === 0) {
    errors.push(
      `${acceptedDomainsFile}: expected at least one address space in authoritative, shared, relay or observe, got none`,
    )
  }
  if (errors.length > 0 || !postmaster) throw new ConfigError(errors)
  return { domains, table, postmaster, recipientDelimiter, harvesting }
}

function readDomains(settings: Settings): Pick<AcceptedDomainsConfig, 'domains' | 'table'> {
  const domains: AcceptedDomain[] = []
  const table = new AddressSpaceTable<AcceptedDomain>()
  const listOf = new Map<AcceptedDomain, string>()
  for (const [list, kind] of Object.entries(lists)) {
    for (const text of settings.list(list)) {
      const space = parseAddressSpace(text, false)
      const other = space && table.get(space)
      if (!space) settings.wrong(list, 'a domain or *.domain', text)
      else if (other) {
        const where = listOf.get(other)
        const expected = `an address space that stands in one list only (${where} has it)`
        settings.wrong(list, expected, text)
      } else {
        const domain: AcceptedDomain = { space, ...kind }
        domains.push(domain)
        table.set(space, domain)
        listOf.set(domain, list)
      }
    }
  }
  return { domains, table }
}

function readHarvesting(settings: Settings): HarvestRules {
  const rules = {
    rejectAfter: settings.wholeNumber('reject_after', 10, 0),
    delay: settings.seconds('delay', 0.5, { zero: true }),
  }
  settings.finish()
  return rules
}

function readPostmaster(settings: Settings): MailAddress | undefined {
  const text = settings.text('postmaster')
  const expected = 'the address that mail for postmaster goes to'
  if (text === '') settings.missing('postmaster', expected)
  const address = parseMailAddress(text)
  if (text !== '' && !address) settings.wrong('postmaster', expected, text)
  return address
}
