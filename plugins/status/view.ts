/**
 * The gateway as the status page and the metrics see it: what is configured, joined with what its
 * processes say and what waits in the queue. Plain values; made anew each time.
 */
import type { BeliefState } from '../delivery/verify/verifier.js'
import type { Finding } from '../operations/finding.js'

export type Condition = 'well' | 'attention' | 'trouble' | 'unknown'

/** Recipients of the last five minutes. */
export interface Flow {
  readonly domain: string
  /** empty: none answered */
  readonly directory: string
  readonly rule: string
  /** empty: not accepted */
  readonly place: string
  readonly count: number
}

export interface DomainView {
  readonly name: string
  readonly type: 'authoritative' | 'shared' | 'relay' | 'observe'
  /** where what no directory knows goes; absent: it is refused */
  readonly connector?: string
}

export interface DirectoryView {
  readonly name: string
  /** `file contacts.csv`, `ldaps://dc1.corp.example:3269` */
  readonly source: string
  readonly condition: Condition
  /** why it is not well */
  readonly trouble: string
  /** the place of its mailboxes */
  readonly place?: string
  readonly entries?: number
  /** milliseconds since 1970 */
  readonly asOf?: number
  readonly lookups: { readonly [result in 'hits' | 'misses' | 'stale' | 'errors']: number }
}

export interface HostView {
  readonly host: string
  readonly condition: 'well' | 'left-alone' | 'full' | 'unused'
  readonly reason: string
  /** milliseconds since 1970 */
  readonly until?: number
  readonly busy: number
  readonly idle: number
  readonly limit: number
}

export interface WaitingView {
  readonly messages: number
  readonly recipients: number
  /** milliseconds since 1970 */
  readonly oldest?: number
  readonly nextTry?: number
}

export interface PlaceView {
  /** `connector:unix`, `mailbox-host:corp`, `outbound` */
  readonly key: string
  readonly kind: 'connector' | 'mailbox-host' | 'local' | 'outbound'
  readonly name: string
  readonly spaces: readonly string[]
  readonly hosts: readonly HostView[]
  /** false: its hosts are the MX of the recipient's domain */
  readonly configuredHosts: boolean
  readonly waiting: WaitingView
  readonly paused?: { readonly reason: string; readonly until?: number }
  /** of the last five minutes, recipients */
  readonly recent: { readonly [outcome in 'delivered' | 'deferred' | 'refused']: number }
  readonly lastReply: string
  /** the time after which a sender is warned; milliseconds */
  readonly warnAfter: number
}

export interface DiskView {
  readonly folder: string
  readonly free: number
  readonly size: number
  /** below it no new mail is taken */
  readonly floor: number
}

export interface CertificateView {
  /** where it is configured: `tls.ini`, `connectors.ini [unix]` */
  readonly where: string
  /** milliseconds since 1970 */
  readonly notAfter: number
}

export interface StatusView {
  /** milliseconds since 1970 */
  readonly at: number
  readonly gateway: string
  readonly version: string
  /** processes that take mail, and those of them that answer */
  readonly processes: {
    readonly expected: number
    readonly answering: number
    readonly started: number
  }
  readonly draining?: { readonly since: number }
  readonly configuration: {
    readonly since: number
    readonly failed?: { readonly at: number; readonly errors: readonly string[] }
  }
  readonly domains: readonly DomainView[]
  readonly directories: readonly DirectoryView[]
  readonly places: readonly PlaceView[]
  readonly flows: readonly Flow[]
  /** what hosts say about recipients, where they are asked */
  readonly beliefs?: readonly BeliefState[]
  /** mail that can go to nobody, kept for the administrator */
  readonly kept: number
  /** why the queue could not be read; the numbers of `waiting` are then of earlier */
  readonly queueTrouble?: string
  readonly disk?: DiskView
  readonly certificates: readonly CertificateView[]
  readonly journal: { readonly on: boolean; readonly dropped: number }
  readonly peers: readonly string[]
  readonly problems: readonly Finding[]
}
