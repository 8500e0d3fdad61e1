/**
 * Who shares sessions with whom, and what mail waits for: names for how a target is logged in to, made once
 * for each target, since every message asks for them several times.
 */
import { createHash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { wayKey } from './lease.js'
import type { Target } from './target.js'

interface KnownTarget {
  readonly identity: string
  readonly login: string
  /** the keys of the ways to its hosts, backups last */
  readonly ways: readonly string[]
}

const knownTargets = new WeakMap<Target, KnownTarget>()
// a target may be new for each message, its login is not
const logins = new LRUCache<string, string>({ max: 1000 })

function know(target: Target): KnownTarget {
  let known = knownTargets.get(target)
  if (!known) {
    const { tls, credentials, identity: own } = target
    const { ehloName = '', tlsName = '' } = own ?? {}
    const password = credentials ? [credentials.user, credentials.password] : []
    const identity = JSON.stringify([tls, password, ehloName, tlsName, own?.tls?.version ?? ''])
    const login = logins.get(identity) ?? digest(identity)
    logins.set(identity, login)
    const endpoints = [...target.endpoints, ...target.backups]
    known = { identity, login, ways: endpoints.map((endpoint) => wayKey(endpoint, login)) }
    knownTargets.set(target, known)
  }
  return known
}

function digest(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url').slice(0, 12)
}

/** Sessions of the same identity may carry each other's mail. */
export function identityOf(target: Target, xclient = ''): string {
  const { identity } = know(target)
  return xclient === '' ? identity : `${identity} ${JSON.stringify(xclient)}`
}

/** A name for how we log in there, the same for places that log in alike; nothing can be read from it. */
export function loginOf(target: Target): string {
  return know(target).login
}

/** The keys of the ways to its hosts, backups last. */
export function waysTo(target: Target): readonly string[] {
  return know(target).ways
}
