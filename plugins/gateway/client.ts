/** A connection of Haraka's as the mail switch sees its client. */
import type { Client } from '../decision/mail-switch.js'
import { hasCertificateFor } from '../haraka/client-certificate.js'
import type { HarakaConnection, HarakaTransaction } from '../haraka/haraka.js'

export function clientOf(
  connection: HarakaConnection,
  { mail_from: sender }: Pick<HarakaTransaction, 'mail_from'>,
): Client {
  return {
    ip: connection.remote.ip,
    mayRelay: connection.relaying,
    nullSender: sender.isNull(),
    senderDomain: sender.isNull() ? '' : (sender.host ?? '').toLowerCase(),
    hasCertificateFor: (name) => hasCertificateFor(connection, name),
  }
}
