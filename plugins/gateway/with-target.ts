/**
 * A decision with Haraka's own address of where it leads. A target that SMTP cannot carry is a fault of
 * the directory: temporary.
 */
import { errorText } from '../basics/error-text.js'
import { fault } from '../decision/decide.js'
import {
  decideRecipient,
  type Client,
  type Decided,
  type SwitchParts,
} from '../decision/mail-switch.js'
import { toMailAddress } from '../haraka/haraka-address.js'
import type { EsmtpParameters, HarakaAddress } from '../haraka/haraka.js'
import { formatMailAddress, identityOf, type MailAddress } from '../mail/mail-address.js'
import type { Recipient } from './recipients.js'

export interface Asked {
  readonly address: HarakaAddress
  /** of the RCPT command */
  readonly parameters?: EsmtpParameters | undefined
  /** whether a domain is one of this gateway's, where case does not count */
  readonly isOurs: (domain: string) => boolean
}

/** What is decided for an address, and Haraka's own address of where that leads. Settles as lookups do. */
export async function decideWithTarget(
  parts: SwitchParts,
  client: Client,
  asked: Asked,
): Promise<Recipient> {
  const written = toMailAddress(asked.address)
  return withTarget(asked, written, await decideRecipient(parts, client, written))
}

function withTarget(
  { address: original, parameters = {}, isOurs }: Asked,
  written: MailAddress,
  decided: Decided,
): Recipient {
  const { decision, facts } = decided
  const itself = (as: Decided): Recipient => {
    const identity = identityOf(written, isOurs(written.domain))
    return { original, current: original, target: original, identity, parameters, decided: as }
  }
  if (!decision.accepted || decision.address.key === written.key) return itself(decided)
  const { address } = decision
  try {
    const Address = original.constructor as new (text: string) => HarakaAddress
    const target = new Address(`<${formatMailAddress(address)}>`)
    const identity = identityOf(address, isOurs(address.domain))
    return { original, current: original, target, identity, parameters, decided }
  } catch (error) {
    const detail = `the target ${address.key} is no address that SMTP can carry: ${errorText(error)}`
    return itself({ decision: fault(detail), facts })
  }
}
