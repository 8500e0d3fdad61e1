/**
 * A decision with Haraka's own address of where it leads. A target that SMTP cannot carry is a fault of
 * the directory: temporary.
 */
import { errorText } from '../basics/error-text.js'
import { fault } from '../decision/decide.js'
import type { Decided } from '../decision/mail-switch.js'
import { toMailAddress } from '../haraka/haraka-address.js'
import type { EsmtpParameters, HarakaAddress } from '../haraka/haraka.js'
import { formatMailAddress, identityOf } from '../mail/mail-address.js'
import type { Recipient } from './recipients.js'

/** `isOurs`: whether a domain is one of this gateway's, where case does not count. */
export function withTarget(
  original: HarakaAddress,
  parameters: EsmtpParameters,
  decided: Decided,
  isOurs: (domain: string) => boolean,
): Recipient {
  const { decision } = decided
  const written = toMailAddress(original)
  const common = { original, current: original, parameters, decided }
  const identity = identityOf(written, isOurs(written.domain))
  if (!decision.accepted || decision.address.key === written.key) {
    return { ...common, target: original, identity }
  }
  const { address } = decision
  try {
    const Address = original.constructor as new (text: string) => HarakaAddress
    const target = new Address(`<${formatMailAddress(address)}>`)
    return { ...common, target, identity: identityOf(address, isOurs(address.domain)) }
  } catch (error) {
    const detail = `the target ${address.key} is no address that SMTP can carry: ${errorText(error)}`
    const refused = { ...decided, decision: fault(detail) }
    return { ...common, target: original, identity, decided: refused }
  }
}
