/**
 * Counts decisions, for a line in the log every hour: how many by each rule, and for observed address
 * spaces whom authoritative would have refused. Pure; the caller has the clock and the log.
 */
import { quoted } from '../basics/one-line.js'
import type { DecisionRecord } from './decision-record.js'

// addresses remembered for an address space and hour; what a directory harvest adds beyond is a number
const mostAddresses = 1000
const named = 20

interface Observed {
  readonly addresses: Map<string, number>
  recipients: number
}

export class Tally {
  private sinceStart = 0
  private rules = new Map<string, number>()
  private observed = new Map<string, Observed>()
  private harvests = 0

  /** A session of a stranger who tried out addresses was ended. */
  addHarvest(): void {
    this.harvests += 1
  }

  add({ decision, observed, recipient }: DecisionRecord): void {
    this.sinceStart += 1
    this.rules.set(decision, (this.rules.get(decision) ?? 0) + 1)
    if (observed === undefined) return
    const address = recipient.toLowerCase()
    // by address space: subdomains that a sender makes up are no lines of their own
    const of = this.observed.get(observed) ?? {
      addresses: new Map<string, number>(),
      recipients: 0,
    }
    this.observed.set(observed, of)
    of.recipients += 1
    const known = of.addresses.get(address)
    if (known !== undefined || of.addresses.size < mostAddresses) {
      of.addresses.set(address, (known ?? 0) + 1)
    }
  }

  /** The lines about what was added since the last call; none if nothing was. */
  take(): string[] {
    const { rules, observed, harvests } = this
    this.harvests = 0
    this.rules = new Map()
    this.observed = new Map()
    if (rules.size === 0 && harvests === 0) return []
    const counts = [...rules].sort(byCount).map(([rule, count]) => `${rule} ${count}`)
    return [
      `decisions: ${counts.join(', ')}; since the start ${this.sinceStart}`,
      ...(harvests > 0 ? [`harvesting: ${harvests} sessions of strangers ended`] : []),
      ...[...observed].map(([space, of]) => `observe ${space}: ${describe(of)}`),
    ]
  }
}

function describe({ addresses, recipients }: Observed): string {
  const sorted = [...addresses].sort(byCount)
  const list = sorted.slice(0, named).map(([address, count]) => `${quoted(address)} (${count})`)
  const rest = addresses.size - list.length
  const more = rest > 0 ? ` and ${rest} more` : ''
  const atLeast = addresses.size === mostAddresses ? 'at least ' : ''
  return `${recipients} recipients, ${atLeast}${addresses.size} addresses, would have been refused: ${list.join(', ')}${more}`
}

function byCount([a, one]: [string, number], [b, other]: [string, number]): number {
  return other - one || (a < b ? -1 : 1)
}
