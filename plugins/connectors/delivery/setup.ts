/**
 * What delivery needs from the plugin around it. Everything is asked for anew when it is needed, so
 * a reload of the configuration holds for what is already in the queue.
 */
import type { Environment } from '../../config/environment.js'
import type { HarakaOutbound } from '../../haraka/outbound.js'
import type { Connector } from '../config.js'
import type { Place } from '../place.js'
import type { SmtpReply } from './smtp/reply.js'
import type { SmartHost } from '../smart-host.js'

export interface DeliverySetup {
  connector(name: string): Connector | undefined
  mailboxHost(directory: string): SmartHost | undefined
  /** the name for EHLO and the reporting MTA of a DSN: Haraka's config/me */
  readonly gatewayName: string
  /** what `bridgeheads` are compared with, besides our own addresses */
  gatewayId(): string
  readonly outbound: HarakaOutbound
  readonly env: Environment
  /**
   * The header field that tells a loop, `X-Address-Space-Loop: …` with its line end, for the
   * recipients that go to this connector; `existing` are the bodies of such fields of the message.
   */
  loopField(
    connector: string,
    recipients: readonly string[],
    existing: readonly string[],
  ): string | undefined
  /** is it this gateway itself? Such a host is never delivered to */
  isSelf(ip: string, port: number): boolean
  /**
   * Where mail to this address goes, by the rules for a relaying client: for DSNs, whose recipient
   * may live behind a connector too. Rejects when it cannot be found out; `undefined`: nobody.
   * Without this function a DSN goes by the MX of its domain.
   */
  placeOf?(address: string): Promise<Place | undefined>
}

/** Whether a smart host takes a recipient; `unknown`: could not find out, or it says yes to all. */
export type Verification =
  | { readonly answer: 'yes' }
  | { readonly answer: 'no'; readonly reply: SmtpReply; readonly host: string }
  | { readonly answer: 'unknown'; readonly reason: string }
