/**
 * What a failed search says about the connection and the server it was made on.
 *
 *   connection  it is gone or cannot be trusted: drop it, search once more on another
 *   server      the server says that it cannot now: leave it alone, search once more on another
 *   search      this search cannot be answered; addresses that were asked for together are asked
 *               for one by one
 *
 * In no case anything is known about the address. RFC 4511 appendix A.
 */
import { errorText } from '../../basics/error-text.js'
import {
  BusyError,
  OperationsError,
  ProtocolError,
  ResultCodeError,
  StrongAuthRequiredError,
  UnavailableError,
  UnwillingToPerformError,
} from 'ldapts'

/** An answer of the server that does not say what was asked. */
export class UnusableAnswer extends Error {}

export type Failure = 'connection' | 'server' | 'search'

export function failureOf(error: unknown): Failure {
  if (error instanceof UnusableAnswer) return 'search'
  // no result from the server: the socket's end, or a reply that could not be read, behind which
  // ldapts loses the next ones
  if (!(error instanceof ResultCodeError)) return 'connection'
  // Active Directory's words for a bind that is no longer in effect
  if (error instanceof OperationsError || error instanceof StrongAuthRequiredError) {
    return 'connection'
  }
  if (error instanceof ProtocolError) return 'connection'
  return error instanceof BusyError ||
    error instanceof UnavailableError ||
    error instanceof UnwillingToPerformError
    ? 'server'
    : 'search'
}

/** The error for the log: servers often send no text with a result code. */
export function describeFailure(error: unknown): string {
  if (error instanceof ResultCodeError) {
    return `LDAP result ${error.code} (${error.name}): ${error.message.replace(/\s+/gu, ' ').trim()}`
  }
  return errorText(error)
}
