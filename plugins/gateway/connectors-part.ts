/**
 * What the connectors plugin gives to the mail switch (is the client a smart host, does the next
 * system take this recipient) and to delivery (the configuration in force, tokens, who we are).
 */
import { parseMailAddress } from '../mail/mail-address.js'
import type { Configuration, NextSystems } from '../decision/configuration.js'
import { checkNames } from '../decision/cross-check.js'
import type { Client } from '../decision/mail-switch.js'
import { plainIp } from '../mail/ip-address.js'
import { hostsOfMailboxes } from '../directory/mailboxes.js'
import { pluginLog } from '../haraka/config-files.js'
import type { HarakaAddress, HarakaPlugin, HarakaTransaction } from '../haraka/haraka.js'
import { reachable } from '../haraka/listeners.js'
import type { HarakaOutbound, HarakaQueue, QueueItem } from '../haraka/outbound.js'
import { repairQueue } from '../haraka/queue-repairs.js'
import { Pack } from './pack.js'
import { Deliverer } from '../delivery/deliverer.js'
import type { OwnRoute } from '../delivery/setup.js'
import type { PlaceState } from '../delivery/state.js'
import { nextSystemsOver } from './next-systems.js'
import { localWay } from '../delivery/hosts/local.js'
import { readerOf, type LoopRules } from '../loop/detection.js'
import type { Recipient } from './recipients.js'
import { placeKey, type Place } from '../mail/place.js'

const connectorsParts = new WeakMap<Pack, ConnectorsPart>()

export class ConnectorsPart {
  readonly nextSystems: NextSystems
  readonly deliverer: Deliverer
  /** by connector, how often each answer about a recipient was given since the start */
  readonly verifyAnswers = new Map<string, Map<string, number>>()
  private readonly pack: Pack

  private constructor(plugin: HarakaPlugin, pack: Pack) {
    this.pack = pack
    const outbound = plugin.haraka_require('outbound') as HarakaOutbound
    repairQueue(plugin.haraka_require('outbound/queue') as HarakaQueue, outbound)
    this.deliverer = new Deliverer({
      connector: (name) => pack.connectors.connectors.get(name),
      mailboxHost: (directory, host) => pack.mailboxHost(directory, host),
      gatewayName: pack.hostName,
      gatewayId: () => pack.gatewayId,
      outbound,
      processes: pack.files.smtpIni().processes,
      observe: pack.observers.observe,
      paused: (place) => pack.paused(place),
      env: { configDir: pack.files.configDir, log: pluginLog(plugin) },
      loopField: (way, recipients, lists) => this.loopField(way, recipients, lists),
      isSelf: pack.isSelf,
      listeners: reachable(pack.listeners),
      routeOwn: (address) => this.routeOwn(address),
    })
    this.nextSystems = nextSystemsOver({
      addressesOf: ({ name }) => this.deliverer.addressesOf(name),
      verify: async (connector, recipient) => {
        const verification = await this.deliverer.verify(connector, recipient)
        this.countVerified(connector, verification.kind)
        return verification
      },
    })
    pack.checkBeforeUse = (configuration) => this.checkNames(configuration)
    pack.isSystem = (client) => this.isSystem(client)
    pack.inForce = (before) => this.releaseChanged(before)
  }

  /** The forwarder of this process; made by the connectors plugin. */
  static of(plugin: HarakaPlugin): ConnectorsPart {
    const pack = Pack.of(plugin)
    const forwarder = connectorsParts.get(pack) ?? new ConnectorsPart(plugin, pack)
    connectorsParts.set(pack, forwarder)
    return forwarder
  }

  /** That of this process, if the connectors plugin is enabled. */
  static existing(pack: Pack): ConnectorsPart | undefined {
    return connectorsParts.get(pack)
  }

  /** What delivery is doing now, place by place. */
  placeStates(): readonly PlaceState[] {
    return this.deliverer.state()
  }

  /** Queue files that wait for a host or a session, and not for their time. */
  parked(): readonly string[] {
    return this.deliverer.parked()
  }

  /** Tries now what waits for the place; without one, all that waits. */
  release(place?: string): void {
    this.deliverer.release(place)
  }

  private countVerified(connector: string, answer: string): void {
    const answers = this.verifyAnswers.get(connector) ?? new Map<string, number>()
    this.verifyAnswers.set(connector, answers)
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
  }

  /** What detection needs, under the configuration of this moment. */
  get loopRules(): LoopRules {
    return {
      tokens: this.pack.loopTokens,
      maxHops: this.pack.connectors.maxHops,
      waysTo: (place) => this.deliverer.waysTo(place),
    }
  }

  /** Whether a message that came in is a report that this gateway has handed to itself. */
  isOwnReport(transaction: HarakaTransaction, recipients: readonly Recipient[]): boolean {
    const went = readerOf(transaction, this.pack.loopTokens)
    if (!went || recipients.length === 0) return false
    return recipients.every(({ decided }) => {
      const { decision } = decided
      return decision.accepted && went(localWay, decision.address.key)
    })
  }

  /** A line for each host of the configuration that is, by its name, this gateway itself. */
  checkNames({ connectors, directories }: Configuration): Promise<string[]> {
    return checkNames({ connectors, directories: directories?.directories }, (hosts) =>
      this.deliverer.selfAmong(hosts),
    )
  }

  /** One of those that mail is handed to or comes from: systems, mailbox hosts, other gateways. */
  private async isSystem(client: Client): Promise<boolean> {
    const { connectors, directories } = this.pack.configuration
    const all = [...(connectors?.connectors.values() ?? [])]
    const hosts = [
      ...all.flatMap(({ bridgeheads }) => bridgeheads),
      ...(directories?.directories ?? []).flatMap(hostsOfMailboxes).map(({ host }) => host),
    ]
    const asked = plainIp(client.ip)
    const addresses = this.deliverer.addressesOfHosts(hosts)
    const answers = await Promise.all([
      addresses.then((known) => known.some((ip) => plainIp(ip) === asked)),
      ...all.map((connector) => this.nextSystems.isFrom(connector, client)),
    ])
    return answers.includes(true)
  }

  /** What waits for a place that has been changed or put back is tried at once. */
  private releaseChanged(before: Configuration): void {
    const old = placesOf(before)
    for (const [place, settings] of placesOf(this.pack.configuration)) {
      if (old.get(place) !== settings) this.deliverer.release(place)
    }
  }

  private loopField(way: string, recipients: readonly string[], lists: string): string {
    const keys = recipients.flatMap((text) => parseMailAddress(text)?.key ?? [])
    const fields = this.pack.loopTokens.fields(this.pack.gatewayId, way, keys, lists)
    return fields.map((field) => `${field}\r\n`).join('')
  }

  /** Whether the queue entry is ours to deliver, and not Haraka's own delivery's. */
  takes(item: QueueItem): boolean {
    if (this.deliverer.isOurs(item)) return true
    return this.pack.hasRulesFor(item.todo.domain) && this.deliverer.adoptReport(item)
  }

  private async routeOwn(address: HarakaAddress): Promise<OwnRoute | undefined> {
    const { target, decided } = await this.pack.decideOwn(address)
    const { decision } = decided
    if (decision.accepted) {
      const { destination } = decision
      return {
        place: destination.kind === 'left' ? leftTo(decision.rule) : destination,
        recipient: target,
      }
    }
    if (decision.reply.code < 500) throw new Error(decision.detail)
    return undefined

    // a mailbox is delivered by another plugin of this Haraka; what else is left goes by MX
    function leftTo(rule: string): Place {
      return rule === 'mailbox' ? { kind: 'local' } : { kind: 'outbound', domain: target.host }
    }
  }
}

/** By the key of each place the settings that say where its mail goes, as text. */
function placesOf({ connectors, directories }: Configuration): Map<string, string> {
  const places = new Map<string, string>()
  for (const [name, connector] of connectors?.connectors ?? []) {
    places.set(placeKey({ kind: 'connector', connector: name }), JSON.stringify(connector))
  }
  for (const { host, place } of (directories?.directories ?? []).flatMap(hostsOfMailboxes)) {
    places.set(placeKey(place), JSON.stringify(host))
  }
  return places
}
