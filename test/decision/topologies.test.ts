/**
 * No message circulates: 1,000 random topologies, each with mail to every address through every
 * gateway, run by the pack's own decision, routes and tokens, without sockets. Every message ends,
 * and ends as the oracle says; docs/loops.md has the argument.
 */
import assert from 'node:assert/strict'

import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { parseConnectorsConfig, type Connector } from '../../plugins/decision/connectors-config.js'
import { LoopTokens, wayTo } from '../../plugins/loop/tokens.js'
import { RouteTable } from '../../plugins/decision/route.js'
import { parseSmartHost, type SmartHost } from '../../plugins/mail/smart-host.js'
import { crossCheck } from '../../plugins/decision/cross-check.js'
import { decideRecipient, type SwitchParts } from '../../plugins/decision/mail-switch.js'
import { address as mailAddress, findIn } from './fixture.js'
import { expectedPassages, type Passage } from './oracle.js'
import { addresses, domains, randomTopology, type System, type TestGateway } from './topology.js'
import { seeded } from '../../scripts/seeded.js'

const topologies = 1000
const seed = 20_261_122
const body = (field: string): string => field.slice(field.indexOf(':') + 1)
const ipOf = (system: number): string => `192.0.2.${system + 1}`
const mailboxHost = parseSmartHost('lmtp://[192.0.2.200]') as SmartHost

class Machine {
  readonly gateway: TestGateway
  readonly parts: SwitchParts
  readonly tokens: LoopTokens
  readonly errors: readonly string[]
  private readonly index: number

  constructor(gateway: TestGateway, index: number) {
    this.gateway = gateway
    this.index = index
    const accepted = parseAcceptedDomains(acceptedDomainsIni(gateway))
    const config = parseConnectorsConfig(connectorsIni(gateway))
    this.errors = crossCheck({
      acceptedDomains: accepted,
      connectors: config,
      directories: [
        { name: 'corp', mailboxHost, mailboxConnector: '', hosts: new Map<string, never>() },
      ],
      isSelf: (ip) => ip === ipOf(index),
    })
    this.tokens = new LoopTokens([gateway.secret.padEnd(32, '.')])
    this.parts = {
      decidesDomains: true,
      contacts: true,
      acceptedDomains: accepted,
      directories: {
        find: findIn({ objects: gateway.objects }),
        mailboxPlace: (directory) => ({ kind: 'mailbox-host', directory }),
      },
      connectors: {
        routes: new RouteTable(config.connectors.values()),
        isFrom: ({ smartHosts }, { ip }) =>
          Promise.resolve(smartHosts.some((host) => host.kind === 'host' && host.host === ip)),
        verify: () => Promise.resolve({ kind: 'unknown', reason: 'not asked' }),
      },
    }
  }

  /** As delivery does: where mail of a connector goes, and what counts as having gone there. */
  waysOf(connector: Connector): { hosts: readonly SmartHost[]; ways: string[] } {
    const place = { kind: 'connector', connector: connector.name } as const
    const { smartHosts, bridgeheads } = connector
    const throughHosts = wayTo(place, smartHosts)
    const self = bridgeheads.some((host) => host.kind === 'host' && host.host === ipOf(this.index))
    return bridgeheads.length === 0 || self
      ? { hosts: smartHosts, ways: [throughHosts] }
      : { hosts: bridgeheads, ways: [wayTo(place, bridgeheads), throughHosts] }
  }
}

function acceptedDomainsIni({ types }: TestGateway): string[] {
  return [
    'postmaster = postmaster@own.example',
    'authoritative[] = own.example',
    ...domains.flatMap((domain) => (types[domain] ? [`${types[domain]}[] = ${domain}`] : [])),
  ]
}

function connectorsIni({ connectors }: TestGateway): string[] {
  const list = (systems: readonly number[]): string => systems.map((n) => `[${ipOf(n)}]`).join(', ')
  return connectors.flatMap(({ name, spaces, hosts, bridgeheads, open, cost }) => [
    `[${name}]`,
    `address_spaces = ${spaces.join(', ')}`,
    `smart_hosts = ${list(hosts)}`,
    `bridgeheads = ${list(bridgeheads)}`,
    `allow_relay = ${open}`,
    `cost = ${cost}`,
  ])
}

/** Sends a message through the systems, each deciding as the pack does. */
async function passages(
  systems: readonly System[],
  machines: readonly (Machine | undefined)[],
  entry: number,
  recipient: string,
): Promise<Passage[]> {
  const trail: Passage[] = []
  const fields: string[] = []
  let at = entry
  let address = recipient
  let from: number | undefined
  for (;;) {
    assert.ok(trail.length < 200, `the message circulates: ${JSON.stringify(trail.slice(0, 12))}`)
    const here = at
    const asked = address
    const ending = await pass()
    trail.push([here, asked, ending])
    if (ending !== 'passed on') return trail
  }

  async function pass(): Promise<string> {
    const system = systems[at] as System
    const machine = machines[at]
    if (system.kind === 'other') {
      if (system.users.includes(address)) return 'arrived'
      if (system.returnsTo === undefined) return '550 there'
      from = at
      at = system.returnsTo
      return 'passed on'
    }
    assert.ok(machine)
    const { parts, tokens } = machine
    const peer = from === undefined ? undefined : systems[from]
    const client = {
      ip: from === undefined ? '198.51.100.1' : peer?.hidden ? '198.51.100.2' : ipOf(from),
      mayRelay: from !== undefined && system.trusts.includes(from),
    }
    const { decision, facts } = await decideRecipient(parts, client, mailAddress(address))
    if (!decision.accepted) return `${decision.reply.code} ${decision.reply.enhanced}`
    if (decision.destination.kind === 'outbound') return 'out by MX'
    if (decision.destination.kind === 'mailbox-host' && !system.hostReturns) return 'arrived'

    const { key } = decision.address
    const { route } = facts
    const { hosts, ways } =
      decision.destination.kind === 'connector' && route?.kind === 'connector'
        ? machine.waysOf(route.connector)
        : { hosts: [], ways: [wayTo({ kind: 'mailbox-host', directory: `corp ${at}` }, [])] }
    const hasToken = tokens.reader(fields)
    if (hasToken && ways.some((way) => hasToken(way, key))) return '550 5.4.6'
    fields.unshift(...tokens.fields(`gateway ${at}`, ways[0] ?? '', [key]).map(body))
    address = key
    from = hosts.length === 0 ? undefined : at
    if (hosts.length > 0) at = Number(ipAt(hosts, trail.length).split('.')[3]) - 1
    return 'passed on'
  }
}

function ipAt(hosts: readonly SmartHost[], count: number): string {
  const host = hosts[count % hosts.length]
  return host?.kind === 'host' ? host.host : ''
}

/**
 * A gateway hands an address on once each way. Where trust does not choose between connectors that
 * is one way: an address passes no more gateways than there are, and once more to be refused.
 */
function checkBound(systems: readonly System[], trail: readonly Passage[]): void {
  const gateways = systems.flatMap((system, at) =>
    system.kind === 'gateway' ? [{ system, at }] : [],
  )
  const ways = Math.max(
    ...gateways.map(({ system }) => (system.trusts.length > 0 ? system.connectors.length : 1)),
  )
  for (const asked of new Set(trail.map(([, address]) => address))) {
    const passed = trail.filter(
      ([at, address]) => address === asked && systems[at]?.kind === 'gateway',
    )
    assert.ok(passed.length <= gateways.length * ways + 1, `${asked} of ${JSON.stringify(trail)}`)
  }
}

describe('random topologies', () => {
  it(`${topologies} of them, from a fixed seed: every message ends, and as it should`, async function () {
    this.timeout(60_000)
    const roll = seeded(seed)
    const endings = new Map<string, number>()
    for (let run = 0; run < topologies;) {
      const systems = randomTopology(roll)
      const machines = systems.map((system, index) =>
        system.kind === 'gateway' ? new Machine(system, index) : undefined,
      )
      // the gateway would not start
      if (machines.some((machine) => machine && machine.errors.length > 0)) continue
      run++
      for (const [entry, machine] of machines.entries()) {
        for (const recipient of machine ? addresses : []) {
          const trail = await passages(systems, machines, entry, recipient)
          const expected = expectedPassages(systems, entry, recipient)
          assert.deepEqual(trail, expected, JSON.stringify({ entry, recipient, systems }, null, 1))
          checkBound(systems, trail)
          const ending = trail.at(-1)?.[2] ?? ''
          endings.set(ending, (endings.get(ending) ?? 0) + 1)
        }
      }
    }
    // the dice have not left a way to end out
    const expected = ['550 5.7.1', '550 5.1.1', '550 5.4.6', '450 4.1.4', '450 4.4.4']
    for (const ending of ['arrived', 'out by MX', '550 there', ...expected]) {
      assert.ok((endings.get(ending) ?? 0) > 20, `${ending}: ${endings.get(ending) ?? 0} times`)
    }
  })
})
