/**
 * What the mail switch asks of the smart hosts: is the client one of them, do they take a recipient.
 * The gateway and the command line bring their own ways to find that out.
 */
import { formatMailAddress } from '../mail/mail-address.js'
import type { NextSystems } from '../decision/configuration.js'
import { isFrom } from '../decision/origin.js'
import type { Connector } from '../decision/connectors-config.js'
import type { Verification } from '../mail/verification.js'

export interface SmartHosts {
  /** IP addresses of the connector's smart hosts, as far as they can be found out */
  addressesOf(connector: Connector): Promise<readonly string[]>
  /** whether the connector's smart host takes the recipient; never rejects */
  verify(connector: string, recipient: string): Promise<Verification>
}

export function nextSystemsOver(hosts: SmartHosts): NextSystems {
  return {
    isFrom: (connector, client) => isFrom(connector, client, () => hosts.addressesOf(connector)),
    verify: (connector, recipient) => hosts.verify(connector.name, formatMailAddress(recipient)),
  }
}
