/**
 * A decision with every step that led to it: the domain's rule, each lookup with what answered, each
 * contact followed, each connector considered and why it lost, the reply.
 *
 * Nothing is decided here: the mail switch decides, over parts that note what they are asked.
 */
import { formatMailAddress, type MailAddress } from '../mail/mail-address.js'
import type { Considered } from './route.js'
import type { Reply } from '../mail/reply.js'
import type { Verification } from '../mail/verification.js'
import type { DirectoryEntry, Lookup } from '../directory/directory.js'
import {
  decideRecipient,
  isRouted,
  needsOpenConnector,
  type Client,
  type SwitchParts,
} from './mail-switch.js'
import { recordOf, replyTo, type DecisionRecord } from './decision-record.js'

export interface Explanation {
  /** as it was asked for */
  readonly recipient: string
  readonly client: Client
  /** the accepted domain that the recipient is in; absent: none, or another plugin accepts domains */
  readonly domain?: {
    readonly space: string
    readonly type: 'authoritative' | 'shared' | 'relay' | 'observe'
  }
  /** in the order asked */
  readonly lookups: readonly ExplainedLookup[]
  /** the last address: a contact's target, or the recipient itself */
  readonly address: string
  /** every connector that serves the last address, the most specific first */
  readonly connectors: readonly Considered[]
  /** smart hosts that were asked about a recipient */
  readonly verified: readonly { readonly connector: string; readonly answer: Verification }[]
  readonly decision: DecisionRecord
  readonly reply: Reply
}

export interface ExplainedLookup {
  readonly address: string
  readonly outcome: Lookup['kind']
  readonly directory?: string
  readonly entry?: DirectoryEntry
  /** the objects that share the address */
  readonly dns?: readonly string[]
  /** why it could not be found out */
  readonly reason?: string
}

/** What the mail switch asked while it decided. */
interface Asked {
  readonly lookups: ExplainedLookup[]
  readonly verified: Explanation['verified'][number][]
}

/** Has the recipient decided and tells how; settles as the decision does and never rejects. */
export async function explain(
  parts: SwitchParts,
  client: Client,
  recipient: MailAddress,
): Promise<Explanation> {
  const asked: Asked = { lookups: [], verified: [] }
  const decided = await decideRecipient(noting(parts, asked), client, recipient)
  const text = formatMailAddress(recipient)
  const { decision, facts } = decided
  const address = facts.resolution?.address ?? facts.recipient
  const domain = parts.decidesDomains
    ? parts.acceptedDomains?.table.find(recipient.domain)
    : undefined
  return {
    recipient: text,
    client,
    ...(domain && {
      domain: { space: domain.space.name, type: domain.observe ? 'observe' : domain.type },
    }),
    ...asked,
    address: formatMailAddress(address),
    connectors: isRouted(facts.resolution)
      ? (parts.connectors?.routes.consider(
          address.domain,
          needsOpenConnector(client.mayRelay, facts.domain, facts.resolution),
        ) ?? [])
      : [],
    decision: recordOf(text, decided),
    reply: replyTo(text, decision),
  }
}

/** The same parts, which note what they are asked and what they answer. */
function noting(parts: SwitchParts, { lookups, verified }: Asked): SwitchParts {
  const { directories, connectors } = parts
  return {
    ...parts,
    ...(directories && {
      directories: {
        ...directories,
        find: async (address, elsewhere) => {
          const lookup = await directories.find(address, elsewhere)
          const { kind: outcome, ...rest } = lookup
          lookups.push({ address: formatMailAddress(address), outcome, ...rest })
          return lookup
        },
      },
    }),
    ...(connectors && {
      connectors: {
        ...connectors,
        verify: async (connector, address) => {
          const answer = await connectors.verify(connector, address)
          verified.push({ connector: connector.name, answer })
          return answer
        },
      },
    }),
  }
}

/** What the directories said of an address, as a sentence. */
export function lookupText(lookup: ExplainedLookup): string {
  const { address, directory = '', entry } = lookup
  switch (lookup.outcome) {
    case 'none':
      return `${address}: in no directory`
    case 'failed':
      return `${address}: directory ${directory} cannot say: ${lookup.reason ?? ''}`
    case 'ambiguous':
      return `${address}: two objects of directory ${directory}: ${lookup.dns?.join(' and ') ?? ''}`
    case 'found': {
      const target = entry?.targetAddress
      const what =
        target !== undefined
          ? `a contact, targetAddress ${target}`
          : entry?.isContact
            ? 'a contact without targetAddress'
            : 'a mailbox'
      return `${address}: directory ${directory}, ${entry?.dn ?? ''}: ${what}`
    }
  }
}
