/**
 * Which connector takes an address: the most specific address space (exact, the longest wildcard,
 * `*`), then the lowest cost, then the name (Exchange: connector selection).
 *
 * Between connectors of the same address space only those count that admit the client; a less
 * specific one never takes what a more specific one refuses. `considered` says of every connector
 * that serves the domain why it won or lost.
 */
import { AddressSpaceTable, type AddressSpace } from '../mail/address-space.js'
import type { Connector } from './connectors-config.js'

export interface Considered {
  readonly connector: string
  /** the address space it was considered for */
  readonly space: string
  readonly verdict:
    'chosen' | 'closed to strangers' | 'higher cost' | 'later name' | 'less specific'
}

export type Route =
  | { readonly kind: 'connector'; readonly connector: Connector }
  /** connectors serve the address, none lets strangers send to it */
  | { readonly kind: 'closed'; readonly connector: Connector }
  | { readonly kind: 'none' }

interface Candidate {
  readonly connector: Connector
  readonly space: AddressSpace
}

export class RouteTable {
  private readonly table = new AddressSpaceTable<Candidate[]>()

  constructor(connectors: Iterable<Connector>) {
    for (const connector of connectors) {
      for (const space of connector.addressSpaces) {
        const candidates = this.table.get(space)
        if (candidates) candidates.push({ connector, space })
        else this.table.set(space, [{ connector, space }])
      }
    }
    this.table.forEach((candidates) => candidates.sort(byCostThenName))
  }

  /** The connector for a domain; `stranger`: the client needs one with `allow_relay`. */
  choose(domain: string, stranger: boolean): Route {
    const candidates = this.table.find(domain) ?? []
    const chosen = candidates.find(({ connector }) => !stranger || connector.allowRelay)
    if (chosen) return { kind: 'connector', connector: chosen.connector }
    const [closed] = candidates
    return closed ? { kind: 'closed', connector: closed.connector } : { kind: 'none' }
  }

  /** Every connector that serves the domain, the most specific first, with its verdict. */
  consider(domain: string, stranger: boolean): Considered[] {
    const [best = [], ...lessSpecific] = this.table.findAll(domain)
    const chosen = best.find(({ connector }) => !stranger || connector.allowRelay)
    const verdictOf = ({ connector }: Candidate): Considered['verdict'] => {
      if (connector === chosen?.connector) return 'chosen'
      if (stranger && !connector.allowRelay) return 'closed to strangers'
      return connector.cost > (chosen?.connector.cost ?? 0) ? 'higher cost' : 'later name'
    }
    const row = (candidate: Candidate, verdict: Considered['verdict']): Considered => ({
      connector: candidate.connector.name,
      space: candidate.space.name,
      verdict,
    })
    return [
      ...best.map((candidate) => row(candidate, verdictOf(candidate))),
      ...lessSpecific.flat().map((candidate) => row(candidate, 'less specific')),
    ]
  }
}

function byCostThenName(a: Candidate, b: Candidate): number {
  return a.connector.cost - b.connector.cost || (a.connector.name < b.connector.name ? -1 : 1)
}
