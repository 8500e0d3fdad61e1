/**
 * A message on its way out, in wire form: CRLF line ends, dots at line starts doubled, without the
 * final dot. Whoever reads it does not care whether it comes from a transaction or from the queue.
 */
import type { Writable } from 'node:stream'

export interface OutgoingMessage {
  /** octets, for SIZE */
  readonly size: number
  /** the client declared BODY=8BITMIME (RFC 6152) */
  readonly eightBit: boolean
  /** the client declared SMTPUTF8 (RFC 6531) and the header has octets beyond ASCII */
  readonly utf8: boolean
  /**
   * Writes all octets and ends the destination, or destroys it with an error. May be called again
   * when the destination before has finished or is destroyed.
   */
  pipe(destination: Writable): void
}
