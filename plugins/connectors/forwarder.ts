/**
 * What the connectors plugin gives to the mail switch (is the client a smart host, does the next
 * system take this recipient) and to delivery (the configuration in force, tokens, who we are).
 */
import { parseMailAddress } from '../address/mail-address.js'
import { pluginLog } from '../haraka/config-files.js'
import type { HarakaPlugin } from '../haraka/haraka.js'
import type { HarakaOutbound } from '../haraka/outbound.js'
import { Pack, type Forwarding } from '../haraka/pack.js'
import { Deliverer } from './delivery/deliverer.js'
import { forwardingOver } from './forwarding.js'
import type { LoopRules } from './loops.js'
import type { Place } from './place.js'

const forwarders = new WeakMap<Pack, Forwarder>()

export class Forwarder {
  readonly forwarding: Forwarding
  readonly deliverer: Deliverer
  private readonly pack: Pack

  private constructor(plugin: HarakaPlugin, pack: Pack) {
    this.pack = pack
    this.deliverer = new Deliverer({
      connector: (name) => pack.connectors.connectors.get(name),
      mailboxHost: (directory) => pack.mailboxHost(directory),
      gatewayName: pack.hostName,
      gatewayId: () => pack.gatewayId,
      outbound: plugin.haraka_require('outbound') as HarakaOutbound,
      env: { configDir: pack.files.configDir, log: pluginLog(plugin) },
      loopField: (way, recipients, lists) => this.loopField(way, recipients, lists),
      isSelf: pack.isSelf,
      placeOf: (address) => this.placeOf(address),
    })
    this.forwarding = forwardingOver({
      addressesOf: ({ name }) => this.deliverer.addressesOf(name),
      verify: (connector, recipient) => this.deliverer.verify(connector, recipient),
    })
  }

  /** The forwarder of this process; made by the connectors plugin. */
  static of(plugin: HarakaPlugin): Forwarder {
    const pack = Pack.of(plugin)
    const forwarder = forwarders.get(pack) ?? new Forwarder(plugin, pack)
    forwarders.set(pack, forwarder)
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

  private loopField(way: string, recipients: readonly string[], lists: string): string {
    const keys = recipients.flatMap((text) => parseMailAddress(text)?.key ?? [])
    const fields = this.pack.loopTokens.fields(this.pack.gatewayId, way, keys, lists)
    return fields.map((field) => `${field}\r\n`).join('')
  }

  private async placeOf(address: string): Promise<Place | undefined> {
    const parsed = parseMailAddress(address)
    if (!parsed) return undefined
    const { decision } = await this.pack.decideOwn(parsed)
    if (decision.accepted) {
      return decision.destination.kind === 'left' ? undefined : decision.destination
    }
    if (decision.reply.code < 500) throw new Error(decision.detail)
    return undefined
  }
}
