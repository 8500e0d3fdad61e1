/**
 * What a fault server is told: what it answers at each step (`Script`), what it puts up with
 * (`Limits`), and what it offers (`FaultServerOptions`).
 *
 * A step is an answer, or what a server should not do. Limits are those of real hosts, with their
 * memory: errors in a session, sessions at once, one address that has come before.
 */
import type { SecureContextOptions } from 'node:tls'

/**
 * A reply line or lines; `close` and `silent` are words for what they say. `next` goes on after a
 * reply: `{ reply: '421 4.7.0 enough', next: 'close' }`.
 */
export type Step =
  | string
  | { readonly raw: Uint8Array | string }
  | { readonly drip: string; readonly every: number }
  | { readonly after: number; readonly step: Step }
  | { readonly reply: string; readonly next: Step }

export interface Script {
  readonly banner?: Step
  readonly ehlo?: Step
  readonly starttls?: Step
  /** a function gets `user:password` */
  readonly auth?: Step | ((user: string) => Step | undefined)
  readonly mail?: Step | ((line: string) => Step | undefined)
  readonly rcpt?: (address: string) => Step | undefined
  readonly data?: Step
  /** once this many octets of the message have come */
  readonly body?: { readonly after: number; readonly step: Step }
  /** RFC 3030: `unread` takes the chunk for commands; a step answers any BDAT, after reading its chunk */
  readonly bdat?: 'unread' | { readonly answer: Step }
  readonly dot?: Step | ((message: Envelope) => Step | undefined)
  /** LMTP: the answer for one recipient */
  readonly lmtpDot?: (address: string) => Step | undefined
}

export interface Limits {
  /**
   * Errors in a session; at the last one it says 421 and closes, and knows no more of what was sent
   * ahead. A message that was taken sets them back. Postfix: smtpd_hard_error_limit = 20.
   */
  readonly errors?: number
  /** Milliseconds before each reply to an error, beyond `after` of them. Postfix: after 10, 1000 */
  readonly errorPause?: { readonly after: number; readonly pause: number }
  /** Sessions at once from one address; one more hears 421 in the greeting, or nothing */
  readonly sessions?: number
  readonly whenFull?: '421' | 'close'
  /** Messages in a session; then 421 to MAIL, and a close */
  readonly messages?: number
  /** Milliseconds before each 5xx to RCPT. Exchange: 5000 */
  readonly tarpit?: number
  /** Milliseconds before the answer to the final dot */
  readonly slowDot?: number
  /** Milliseconds for which a recipient that comes the first time is deferred with 450 */
  readonly greylist?: number
  /** Milliseconds that each way takes, as over a long line */
  readonly latency?: number
}

export interface FaultServerOptions {
  readonly host?: string
  readonly port?: number
  readonly lmtp?: boolean
  /** EHLO keywords; `STARTTLS` is added when there is a certificate, unless `stripped` */
  readonly extensions?: readonly string[]
  readonly tls?: SecureContextOptions & { readonly stripped?: boolean }
  readonly script?: Script
  readonly limits?: Limits
}

export interface Envelope {
  readonly from: string
  readonly to: readonly string[]
}

export interface TakenMessage extends Envelope {
  /** in wire form, dots still doubled, without the final dot */
  readonly wire: Buffer
  /** it came as a chunk (RFC 3030) */
  readonly chunk: boolean
  readonly secured: boolean
  readonly user: string
  /** by performance.now(), when its final dot had come */
  readonly at: number
  /** of the connection that brought it, from 1 up */
  readonly session: number
}

export const defaultExtensions: readonly string[] = [
  'PIPELINING',
  'SIZE 100000000',
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'AUTH PLAIN LOGIN',
]

/** The reply that a step comes to; empty: none, or none that anybody waits for. */
export function replyOf(step: Step): string {
  if (typeof step === 'string') return /^\d/u.test(step) ? step : ''
  if ('raw' in step || 'drip' in step) return ''
  if ('reply' in step) return step.reply
  return replyOf(step.step)
}

/** The step when it is due, held up by so many milliseconds. */
export function delayed(step: Step, after: number | undefined): Step {
  return after === undefined || after <= 0 ? step : { after, step }
}
