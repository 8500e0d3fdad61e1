/**
 * What the connectors plugin gives to the mail switch (is the client a smart host, does the next
 * system take this recipient) and to delivery (the configuration in force, tokens, who we are).
 */
import { parseMailAddress } from '../mail/mail-address.js'
import type { Configuration, NextSystems } from '../decision/configuration.js'
import { checkNames } from '../decision/cross-check.js'
import { pluginLog } from '../haraka/config-files.js'
import type { HarakaAddress, HarakaPlugin } from '../haraka/haraka.js'
import type { HarakaOutbound, QueueItem } from '../haraka/outbound.js'
import { Pack } from './pack.js'
import { Deliverer } from '../delivery/deliverer.js'
import type { OwnRoute } from '../delivery/setup.js'
import { nextSystemsOver } from './next-systems.js'
import type { LoopRules } from '../loop/detection.js'
import type { Place } from '../mail/place.js'

const connectorsParts = new WeakMap<Pack, ConnectorsPart>()

export class ConnectorsPart {
  readonly nextSystems: NextSystems
  readonly deliverer: Deliverer
  private readonly pack: Pack

  private constructor(plugin: HarakaPlugin, pack: Pack) {
    this.pack = pack
    this.deliverer = new Deliverer({
      connector: (name) => pack.connectors.connectors.get(name),
      mailboxHost: (directory, host) => pack.mailboxHost(directory, host),
      gatewayName: pack.hostName,
      gatewayId: () => pack.gatewayId,
      outbound: plugin.haraka_require('outbound') as HarakaOutbound,
      env: { configDir: pack.files.configDir, log: pluginLog(plugin) },
      loopField: (way, recipients, lists) => this.loopField(way, recipients, lists),
      isSelf: pack.isSelf,
      routeOwn: (address) => this.routeOwn(address),
    })
    this.nextSystems = nextSystemsOver({
      addressesOf: ({ name }) => this.deliverer.addressesOf(name),
      verify: (connector, recipient) => this.deliverer.verify(connector, recipient),
    })
    pack.checkBeforeUse = (configuration) => this.checkNames(configuration)
  }

  /** The forwarder of this process; made by the connectors plugin. */
  static of(plugin: HarakaPlugin): ConnectorsPart {
    const pack = Pack.of(plugin)
    const forwarder = connectorsParts.get(pack) ?? new ConnectorsPart(plugin, pack)
    connectorsParts.set(pack, forwarder)
    return forwarder
  }

  /** What detection needs, under the configuration of this moment. */
  get loopRules(): LoopRules {
    return {
      tokens: this.pack.loopTokens,
      maxHops: this.pack.connectors.maxHops,
      waysTo: (place) => this.deliverer.waysTo(place),
    }
  }

  /** A line for each host of the configuration that is, by its name, this gateway itself. */
  checkNames({ connectors, directories }: Configuration): Promise<string[]> {
    return checkNames({ connectors, directories: directories?.directories }, (hosts) =>
      this.deliverer.selfAmong(hosts),
    )
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
      const byMx: Place = { kind: 'outbound', domain: target.host }
      return { place: destination.kind === 'left' ? byMx : destination, recipient: target }
    }
    if (decision.reply.code < 500) throw new Error(decision.detail)
    return undefined
  }
}
