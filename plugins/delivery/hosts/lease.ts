/**
 * The words in which a session with a host is asked for and given: a wish with the hosts that will do, a
 * lease that ends, and the two ways in which there is none.
 */
import type { Endpoint, Session } from '../smtp/session.js'
import type { HostError } from '../smtp/wire.js'
import type { Host } from './host.js'

/** What one host is: an address and port, or a socket, whatever names lead there. */
export function hostKey({ destination }: Endpoint): string {
  return 'path' in destination ? destination.path : `[${destination.host}]:${destination.port}`
}

const between = '\n'

/** A host, and how it is logged in to: what mail waits for. */
export function wayKey(endpoint: Endpoint, login: string): string {
  return login === '' ? hostKey(endpoint) : `${hostKey(endpoint)}${between}${login}`
}

export function hostOfWay(way: string): string {
  return way.split(between, 1)[0] ?? ''
}

/** Undefined: the key is a host's alone. */
export function loginOfWay(way: string): string | undefined {
  return way.split(between)[1]
}

/** None of the hosts gives a session now; that says nothing of the message. */
export class NoSessionError extends Error {
  override readonly name = 'NoSessionError'
  /** every host is left alone, and none just full */
  readonly allLeftAlone: boolean

  constructor(message: string, allLeftAlone: boolean) {
    super(message)
    this.allLeftAlone = allLeftAlone
  }
}

/** A session did not become ready. */
export class OpeningError extends Error {
  override readonly name = 'OpeningError'
  readonly endpoint: Endpoint

  constructor(endpoint: Endpoint, cause: HostError) {
    super(cause.message, { cause })
    this.endpoint = endpoint
  }
}

export interface SessionWish {
  /** in the order to try them */
  readonly endpoints: readonly Endpoint[]
  /** who may share a session; it may hold a password, and is shown nowhere */
  readonly identity: string
  /** equal for those whom a host cannot tell apart by how they log in; holds no password */
  readonly login: string
  /** for the bound of a host: who asks, and how many sessions he allows in all processes together */
  readonly place: string
  readonly maxSessions: number
  open(endpoint: Endpoint): Promise<Session>
  /** by performance.now(): how long to wait for a turn; absent: no waiting */
  readonly patience?: number
  /** by performance.now(): a session that is not ready by then was given up by us */
  readonly until: number
}

export interface Lease {
  readonly endpoint: Endpoint
  /** `mail.unix.example[192.0.2.1]:25` */
  readonly host: string
  readonly session: Session
  /** it was idle: the host may have closed it unseen */
  readonly reused: boolean
  /** A fresh session in the place of this one, which is over. Rejects with OpeningError. */
  renew(): Promise<Session>
  /** The work is done. */
  end(): void
}

export interface SessionRules {
  /** milliseconds */
  readonly idle: number
  /** messages over one session */
  readonly messages: number
  /** refusals in one session */
  readonly refusals: number
  /** hosts that are remembered */
  readonly hosts: number
}

export const sessionRules: SessionRules = {
  idle: 15_000,
  messages: 500,
  refusals: 10,
  hosts: 10_000,
}

/** A certificate is checked for the names that the host goes by. */
export function identityAt(
  { protocol, names }: Endpoint,
  { identity }: Pick<SessionWish, 'identity'>,
): string {
  return [protocol, names.join(','), identity].join(' ')
}

export function whyNot(host: Host<Session>, why: 'full' | 'left-alone', login = ''): string {
  if (why === 'full') return 'all sessions are in use'
  const reason = host.health.reason || host.logins.reason(login) || 'it is being tried'
  return `left alone for now (${reason})`
}
