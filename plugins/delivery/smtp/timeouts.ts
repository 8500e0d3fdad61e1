/**
 * How long a host may take, in milliseconds: the least that RFC 5321 4.5.3.2 asks a client to wait.
 * Each is for the whole of a phase, so one octet a second does not stretch it; `block` is for the
 * progress of the message's octets.
 *
 * A caller with less time gives an end of its own (`until`), which cuts every phase short but the
 * last: once the final dot is sent, only `final` counts.
 */
export interface Timeouts {
  readonly connect: number
  readonly greeting: number
  /** EHLO, STARTTLS with its handshake, AUTH, XCLIENT: each */
  readonly hello: number
  readonly mail: number
  readonly rcpt: number
  readonly data: number
  readonly block: number
  readonly final: number
}

const minute = 60_000

export const rfcTimeouts: Timeouts = {
  connect: minute / 2,
  greeting: 5 * minute,
  hello: 5 * minute,
  mail: 5 * minute,
  rcpt: 5 * minute,
  data: 2 * minute,
  block: 3 * minute,
  final: 10 * minute,
}

/** While a client waits: its own patience, and Haraka's 300 s of inactivity, end at `final`. */
export const directTimeouts: Timeouts = { ...rfcTimeouts, connect: 10_000, final: 4 * minute }
