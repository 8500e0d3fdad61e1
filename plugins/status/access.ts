/**
 * Who may read, and who may act. Pure.
 *
 *   reading   from this machine itself, or with the token
 *   acting    with the token, from a page of our own (Origin)
 *
 * "From this machine" is not taken from what a proxy passes on: a request that came through one needs
 * the token. Nor from a name in Host that is not this machine's: a page of a stranger's whose name
 * leads to 127.0.0.1 could read ours otherwise (DNS rebinding).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

import { isLoopback, type Listen } from '../operations/operations-config.js'

export interface Asking {
  /** the address of the client; absent: through the socket */
  readonly remote: string | undefined
  readonly headers: IncomingHttpHeaders
  /** the token of Authorization, or the session of the cookie, is right */
  readonly known: boolean
}

const passedOn = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

export function mayRead(asking: Asking, listen: Listen): boolean {
  return asking.known || isHere(asking, listen)
}

/** `403` words for who may not; `undefined`: he may. */
export function whyNotAct(asking: Asking): string | undefined {
  if (!asking.known) return 'an action needs the token: sign in first'
  return ownOrigin(asking.headers) ? undefined : 'an action has to come from this page itself'
}

/** Whether the request was made by a page of this server (its Origin names the host asked). */
export function ownOrigin({ origin, host }: IncomingHttpHeaders): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  const url = new URL(origin)
  return /^https?:$/u.test(url.protocol) && url.host === host.toLowerCase()
}

function isHere({ remote, headers }: Asking, listen: Listen): boolean {
  if (passedOn.some((name) => headers[name] !== undefined)) return false
  if (remote === undefined) return true
  return isLoopback(remote) && namesThisMachine(headers.host, listen)
}

function namesThisMachine(host: string | undefined, listen: Listen): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d+$/u, '').replace(/^\[|\]$/gu, '')
  if (name === 'localhost') return true
  return isIP(name) !== 0 && (isLoopback(name) || (listen.kind === 'port' && name === listen.host))
}

/** Compares in a time that tells nothing of where they differ. */
export function sameSecret(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}

export function bearerToken({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer ([^\s]+)$/iu.exec(authorization ?? '')?.[1]
}

export function cookie(
  { cookie: text = '' }: IncomingHttpHeaders,
  name: string,
): string | undefined {
  for (const pair of text.split(';')) {
    const [key, value] = pair.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}
