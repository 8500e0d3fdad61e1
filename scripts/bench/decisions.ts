/**
 * What one decision costs, in microseconds, without Haraka and without a network: by the number of
 * contacts, and by the number of domains with a connector each. It must not grow with either.
 *
 *   file     the table that a CSVDE or LDIF file is loaded into
 *   cache    what LDAP has answered before
 */
import { join } from 'node:path'

import type * as Cached from '../../plugins/directory/cached-directory.js'
import type { Directory, DirectoryEntry } from '../../plugins/directory/directory.js'
import type * as Directories from '../../plugins/directory/directories.js'
import type * as Table from '../../plugins/directory/entry-table.js'
import type * as Configuration from '../../plugins/decision/configuration.js'
import type * as Switch from '../../plugins/decision/mail-switch.js'
import type { SwitchParts } from '../../plugins/decision/mail-switch.js'
import type * as Addresses from '../../plugins/mail/mail-address.js'
import type { MailAddress } from '../../plugins/mail/mail-address.js'
import { dist } from '../build.js'
import { median } from './statistics.js'

// as it ships: what runs the TypeScript of this folder puts more into each function
const built = (module: string): unknown => require(join(dist, module))
const { CachedDirectory } = built('directory/cached-directory.js') as typeof Cached
const { findInDirectories } = built('directory/directories.js') as typeof Directories
const { EntryTable } = built('directory/entry-table.js') as typeof Table
const { allParts, makeSwitch, readConfiguration } = built(
  'decision/configuration.js',
) as typeof Configuration
const { decideRecipient } = built('decision/mail-switch.js') as typeof Switch
const { parseMailAddress } = built('mail/mail-address.js') as typeof Addresses

export interface DecisionCost {
  readonly what: 'contacts' | 'domains and connectors'
  readonly count: number
  readonly file: number
  readonly cache: number
}

const sample = 20_000
const batches = 9

/** Tells the cost for each count, one after the other. */
export async function* decisionCosts(
  contacts: readonly number[],
  domains: readonly number[],
): AsyncGenerator<DecisionCost> {
  for (const count of contacts) yield { what: 'contacts', count, ...(await costs(count, 1)) }
  for (const count of domains) {
    yield { what: 'domains and connectors', count, ...(await costs(100_000, count)) }
  }
}

async function costs(contacts: number, domains: number): Promise<{ file: number; cache: number }> {
  const table = new EntryTable()
  for (let n = 0; n < contacts; n++) table.add(contact(n, domains))
  await table.seal()
  const file: Directory = {
    name: 'corp',
    find: (address) => Promise.resolve(table.find(address.key)),
    close: () => Promise.resolve(),
  }
  const cache = new CachedDirectory(file, {
    ttl: 3_600_000,
    negativeTtl: 3_600_000,
    staleTtl: 3_600_000,
    maxEntries: contacts,
  })
  // spread over all of them, so that no processor's cache makes it look better than it is
  const recipients = Array.from({ length: sample }, () => {
    return address(Math.floor(Math.random() * contacts), domains)
  })
  return {
    file: await cost(switchOver(file, domains), recipients),
    cache: await cost(switchOver(cache, domains), recipients),
  }
}

function address(n: number, domains: number): MailAddress {
  const parsed = parseMailAddress(`user${n}@d${n % domains}.example`)
  if (!parsed) throw new Error('expected an address')
  return parsed
}

function contact(n: number, domains: number): DirectoryEntry {
  const target = `user${n}@t${n % domains}.example`
  return {
    dn: `cn=user${n},dc=corp,dc=example`,
    addresses: [target, address(n, domains).key],
    primary: target,
    targetAddress: target,
    isContact: true,
  }
}

function switchOver(directory: Directory, domains: number): SwitchParts {
  const numbers = Array.from({ length: domains }, (_, n) => n)
  const files: Record<string, string[]> = {
    'accepted-domains.ini': [
      ...numbers.map((n) => `shared[] = d${n}.example`),
      'postmaster = postmaster@t0.example',
    ],
    'connectors.ini': numbers.flatMap((n) => [
      `[c${n}]`,
      `address_spaces = d${n}.example, t${n}.example`,
      'smart_hosts = [192.0.2.1]',
      'allow_relay = true',
    ]),
    'directory.ini': ['[corp]', 'url = file:contacts.csv'],
  }
  const configuration = readConfiguration(allParts, {
    lines: (name) => files[name] ?? [],
    isSelf: () => false,
  })
  return makeSwitch(
    allParts,
    configuration,
    {
      find: (recipient) => findInDirectories([directory], recipient),
      mailboxPlace: () => undefined,
    },
    {
      isFrom: () => Promise.resolve(false),
      verify: () => Promise.resolve({ kind: 'unknown', reason: 'not asked' }),
    },
  )
}

/** The median of several batches, in microseconds a decision; the first fill the caches. */
async function cost(parts: SwitchParts, recipients: readonly MailAddress[]): Promise<number> {
  const client = { ip: '192.0.2.99', mayRelay: false }
  const measured: number[] = []
  for (let batch = 0; batch < batches + 2; batch++) {
    const started = performance.now()
    for (const recipient of recipients) {
      const { decision } = await decideRecipient(parts, client, recipient)
      if (!decision.accepted) throw new Error(`refused: ${decision.detail}`)
    }
    if (batch > 1) measured.push(((performance.now() - started) * 1000) / recipients.length)
  }
  return median(measured)
}
