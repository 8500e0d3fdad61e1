/**
 * Random topologies for the claim that no message circulates: two to four systems, each of them a
 * gateway of ours or another mail system, with whatever domain types, contacts, connectors,
 * bridgeheads, trust and secrets the dice give. Nothing here decides anything.
 */
export type DomainType = 'authoritative' | 'shared' | 'relay'

export interface TestConnector {
  readonly name: string
  readonly spaces: readonly string[]
  /** indices of systems */
  readonly hosts: readonly number[]
  readonly bridgeheads: readonly number[]
  readonly open: boolean
  readonly cost: number
}

/** Of a directory. */
export interface TestObject {
  readonly dn: string
  readonly addresses: readonly string[]
  readonly target?: string
}

export interface TestGateway {
  readonly kind: 'gateway'
  readonly types: Readonly<Record<string, DomainType>>
  readonly objects: readonly TestObject[]
  readonly connectors: readonly TestConnector[]
  /** gateways with the same secret know each other's tokens */
  readonly secret: string
  /** systems that may relay through it */
  readonly trusts: readonly number[]
  /** its mailbox host does not know its own mailboxes and sends all mail back */
  readonly hostReturns: boolean
}

export interface OtherSystem {
  readonly kind: 'other'
  readonly users: readonly string[]
  /** where mail for unknown users goes: a gateway; absent: it is refused */
  readonly returnsTo?: number
}

/** `hidden`: it sends from another address than the one that connectors know it by. */
export type System = (TestGateway | OtherSystem) & { readonly hidden: boolean }

export const domains = ['a.example', 'b.example']
export const addresses = domains.flatMap((domain) =>
  ['u0', 'u1', 'u2'].map((user) => `${user}@${domain}`),
)

/** undefined: foreign to that gateway */
const types = ['shared', 'shared', 'shared', 'authoritative', 'relay', undefined] as const

export function randomTopology(roll: () => number): System[] {
  const chance = (probability: number): boolean => roll() < probability
  const count = 2 + Math.floor(roll() * 3)
  // other systems return mail to gateways only: two of them alone are nobody's to keep apart
  const gateways = Array.from({ length: count }, (_, index) => index === 0 || chance(0.75))
  const gatewayIndices = gateways.flatMap((isGateway, index) => (isGateway ? [index] : []))
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(roll() * list.length)] as T
  const some = <T>(list: readonly T[], probability: number): T[] =>
    list.filter(() => chance(probability))

  const connector = (name: string, self: number): TestConnector => {
    const others = gateways.flatMap((_, index) => (index === self ? [] : [index]))
    const spaces = some([...domains, '*'], 0.6)
    return {
      name,
      spaces: spaces.length > 0 ? spaces : [oneOf(domains)],
      hosts: chance(0.8) ? [oneOf(others)] : others,
      bridgeheads: chance(0.15) ? [oneOf(gatewayIndices)] : [],
      open: chance(0.8),
      cost: Math.floor(roll() * 3),
    }
  }
  const object = (dn: string): TestObject => {
    const [address, target] = [oneOf(addresses), oneOf(addresses)]
    if (chance(0.35)) return { dn, addresses: [address] }
    // the article's contact has its target among its own addresses
    return { dn, addresses: chance(0.3) ? [target, address] : [address], target }
  }
  const gateway = (self: number): TestGateway => ({
    kind: 'gateway',
    types: Object.fromEntries(
      domains.flatMap((domain) => {
        const type = oneOf<DomainType | undefined>(types)
        return type === undefined ? [] : [[domain, type]]
      }),
    ),
    objects: Array.from({ length: Math.floor(roll() * 5) }, (_, index) => object(`CN=${index}`)),
    connectors: ['next', 'other']
      .slice(0, chance(0.6) ? 1 : 2)
      .map((name) => connector(name, self)),
    secret: chance(0.5) ? 'shared' : `own ${self}`,
    trusts: gateways.flatMap((_, index) => (index !== self && chance(0.3) ? [index] : [])),
    hostReturns: chance(0.1),
  })
  return gateways.map((isGateway, index): System => {
    const hidden = chance(0.6)
    if (isGateway) return { ...gateway(index), hidden }
    const users = some(addresses, 0.3)
    return chance(0.7)
      ? { kind: 'other', users, returnsTo: oneOf(gatewayIndices), hidden }
      : { kind: 'other', users, hidden }
  })
}
