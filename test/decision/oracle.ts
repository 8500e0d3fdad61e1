/**
 * Where a message ends, by a statement of the rules of its own: written from the table of decisions
 * and the four defences, for addresses as plain text, without any code of the pack. Slower, and
 * simple enough to be read against the table.
 */
import type { System, TestConnector, TestGateway } from './topology.js'

/** One system that the message passed: where, addressed to whom, and what became of it there. */
export type Passage = readonly [system: number, address: string, ending: string]

interface Mail {
  readonly at: number
  readonly address: string
  /** the system that hands it over; `undefined`: a stranger */
  readonly from: number | undefined
}

export function expectedPassages(
  systems: readonly System[],
  entry: number,
  recipient: string,
): Passage[] {
  const passages: Passage[] = []
  const gone = new Set<string>()
  let mail: Mail | undefined = { at: entry, address: recipient, from: undefined }
  while (mail) {
    const next = step(systems, mail, gone, passages.length)
    passages.push([mail.at, mail.address, next.ending])
    mail = next.mail
  }
  return passages
}

interface Step {
  readonly ending: string
  readonly mail?: Mail
}

const end = (ending: string): Step => ({ ending })

function step(systems: readonly System[], mail: Mail, gone: Set<string>, count: number): Step {
  const { at, address, from } = mail
  const system = systems[at] as System
  if (system.kind === 'other') {
    if (system.users.includes(address)) return end('arrived')
    if (system.returnsTo === undefined) return end('550 there')
    return { ending: 'passed on', mail: { at: system.returnsTo, address, from: at } }
  }

  const trusted = from !== undefined && system.trusts.includes(from)
  const type = typeOf(system, address)
  if (type === undefined && !trusted) return end('550 5.7.1')
  const looked = type === 'authoritative' || type === 'shared'
  const led = looked ? lead(system, address) : { address, found: false, steps: 0 }
  if ('ending' in led) return end(led.ending)
  const last = led.address

  const pass = (place: string, hosts: readonly number[], self = false): Step => {
    const way = [system.secret, place, hosts, last].join('|')
    if (gone.has(way)) return end('550 5.4.6')
    gone.add(way)
    const to = self ? at : (hosts[count % hosts.length] as number)
    return { ending: 'passed on', mail: { at: to, address: last, from: self ? undefined : at } }
  }
  if (led.found) return system.hostReturns ? pass(`host ${at}`, [], true) : end('arrived')

  const isTarget = led.steps > 0
  if (isTarget && typeOf(system, last) === 'authoritative') return end('450 4.4.4')
  if (!isTarget && type === 'authoritative') return end('550 5.1.1')
  const connector = choose(system, last, trusted || isTarget)
  if (!connector) {
    if (isTarget) return end('450 4.4.4')
    return end(type === undefined ? 'out by MX' : '550 5.7.1')
  }
  const backWhereItCameFrom =
    from !== undefined && !(systems[from] as System).hidden && connector.hosts.includes(from)
  if (backWhereItCameFrom && last === address) {
    return end(type === undefined ? '550 5.4.6' : '550 5.1.1')
  }
  const { name, hosts, bridgeheads } = connector
  if (bridgeheads.length === 0 || bridgeheads.includes(at)) return pass(name, hosts)
  const throughHosts = [system.secret, name, hosts, last].join('|')
  if (gone.has(throughHosts)) return end('550 5.4.6')
  return pass(name, bridgeheads)
}

type Lead =
  | { readonly address: string; readonly found: boolean; readonly steps: number }
  | { readonly ending: string }

function lead({ objects, types }: TestGateway, asked: string): Lead {
  let address = asked
  for (let steps = 0; ; steps++) {
    const type = types[address.split('@')[1] ?? '']
    const looked = type === 'authoritative' || type === 'shared'
    const known = looked ? objects.filter((one) => one.addresses.includes(address)) : []
    if (known.length > 1) return { ending: '450 4.1.4' }
    const [object] = known
    if (object?.target === undefined) return { address, found: object !== undefined, steps }
    // there are fewer objects than a chain may have steps: as many steps as objects is a circle
    if (steps === objects.length) return { ending: '550 5.4.6' }
    address = object.target
    if (object.addresses.includes(address)) return { address, found: false, steps: steps + 1 }
  }
}

function typeOf({ types }: TestGateway, address: string): string | undefined {
  return types[address.split('@')[1] ?? '']
}

function choose(
  { connectors }: TestGateway,
  address: string,
  any: boolean,
): TestConnector | undefined {
  for (const space of [address.split('@')[1] ?? '', '*']) {
    const serving = connectors.filter(({ spaces }) => spaces.includes(space))
    if (serving.length === 0) continue
    const open = serving.filter((one) => any || one.open)
    return open.toSorted((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1))[0]
  }
  return undefined
}
