/**
 * What delivery is doing now, for who watches it: `address-space queue`, the metrics, the status page.
 * Plain values that go through JSON; no address of a sender or recipient, no secret.
 */

export interface HostState {
  /** `mail.unix.example[192.0.2.1]:25`, or a socket's path */
  readonly host: string
  /** `full`: it takes no more sessions than it has now */
  readonly condition: 'well' | 'left-alone' | 'full'
  /** why it is left alone or full: the host's words; empty when it is well */
  readonly reason: string
  /** milliseconds since 1970 at which it is tried again; absent: not left alone */
  readonly until?: number
  /** sessions that carry a message now, and those that wait for one */
  readonly busy: number
  readonly idle: number
  /** sessions that this process may have with it now */
  readonly limit: number
}

export interface PlaceState {
  /** `connector:unix`, `mailbox-host:corp`, `outbound:example.net` */
  readonly place: string
  readonly hosts: readonly HostState[]
  /** messages under way to it, and messages that wait for a session */
  readonly underWay: number
  readonly waiting: number
  /** the last words of a host of it that were no yes; empty: none */
  readonly lastReply: string
}

/** A place that an administrator holds back. */
export interface Pause {
  readonly reason: string
  /** milliseconds since 1970 at which it ends by itself */
  readonly until?: number
}
