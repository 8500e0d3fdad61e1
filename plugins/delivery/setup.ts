/**
 * What delivery needs from the plugin around it. Everything is asked for anew when it is needed, so
 * a reload of the configuration holds for what is already in the queue.
 */
import type { Environment } from '../config/environment.js'
import type { HarakaAddress } from '../haraka/haraka.js'
import type { HarakaOutbound } from '../haraka/outbound.js'
import type { Connector } from '../decision/connectors-config.js'
import type { Observe } from '../mail/mail-event.js'
import type { Place } from '../mail/place.js'
import type { Pause } from './state.js'
import type { SmartHost } from '../mail/smart-host.js'

export type Listeners = readonly { readonly host: string; readonly port: number }[]

export interface DeliverySetup {
  connector(name: string): Connector | undefined
  /** `host`: one of several, by its name in the directory's list */
  mailboxHost(directory: string, host?: string): SmartHost | undefined
  /** the name for EHLO and the reporting MTA of a DSN: Haraka's config/me */
  readonly gatewayName: string
  /** what `bridgeheads` are compared with, besides our own addresses */
  gatewayId(): string
  readonly outbound: HarakaOutbound
  readonly env: Environment
  /** processes of this gateway that deliver: a host's sessions are divided among them. Default: 1 */
  readonly processes?: number
  /** is told what happens to messages */
  readonly observe?: Observe
  /** whether an administrator holds the place back, by its key */
  paused?(place: string): Pause | undefined
  /** The header fields that tell a loop, with their line ends; arguments as in ../loop/tokens.ts. */
  loopField(way: string, recipients: readonly string[], lists: string): string
  /** is it this gateway itself? Such a host is never delivered to */
  isSelf(ip: string, port: number): boolean
  /** where this gateway itself can be reached: for reports to mailboxes of another plugin of this Haraka */
  readonly listeners?: Listeners
  /**
   * Where mail of the gateway's own to this address goes, and what it is rewritten to: for DSNs, whose
   * recipient may live behind a connector too. Rejects when it cannot be found out; `undefined`: nobody.
   * Without this function a DSN goes by the MX of its domain.
   */
  routeOwn?(address: HarakaAddress): Promise<OwnRoute | undefined>
}

export interface OwnRoute {
  readonly place: Place
  /** the recipient itself, or the target of a contact */
  readonly recipient: HarakaAddress
}
