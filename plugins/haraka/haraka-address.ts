/** Haraka's addresses as the rules compare them, and the other way. */
import { mailAddress, unquoteLocal, type MailAddress } from '../mail/mail-address.js'
import type { HarakaAddress } from './haraka.js'

/** Haraka's address as the rules compare it. */
export function toMailAddress(address: HarakaAddress): MailAddress {
  return mailAddress(unquoteLocal(address.user) ?? address.user, address.host)
}
