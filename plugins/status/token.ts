/**
 * The token of the status page, and the sessions of those who have signed in with it. The file is read
 * again while it is used, so a new token needs no restart; one that can no longer be read leaves the
 * last one in force.
 *
 * Wrong tokens lock nobody out: a stranger could keep Prometheus and the balancer away by them. A token
 * is too long to be guessed at the rate that the server answers.
 */
import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

import { ConfigError } from '../config/settings.js'
import { errorText } from '../basics/error-text.js'
import { operationsFile } from '../operations/operations-config.js'
import { readStatusToken } from '../operations/status-token.js'
import { sameSecret } from './access.js'

// milliseconds
const rereadInterval = 5000
const sessionLife = 12 * 3_600_000

export class Token {
  private readonly read: () => string
  private secret: string
  private readAt = performance.now()
  private readonly sessions = new LRUCache<string, true>({ max: 100, ttl: sessionLife })

  /** Throws ConfigError when the file cannot be used. */
  constructor(configDir: string, file: string) {
    this.read = () => readStatusToken(configDir, file)
    try {
      this.secret = this.read()
    } catch (error) {
      throw new ConfigError([`${operationsFile} [status] token_file: ${errorText(error)}`])
    }
  }

  /** Whether this is the token. */
  isRight(given: string): boolean {
    this.refresh(performance.now())
    return sameSecret(given, this.secret)
  }

  /** What another gateway wants to see: all of them have the same. */
  get own(): string {
    this.refresh(performance.now())
    return this.secret
  }

  /** A session for who has given the token. */
  open(): string {
    const id = randomBytes(24).toString('base64url')
    this.sessions.set(id, true)
    return id
  }

  isOpen(id: string | undefined): boolean {
    return id !== undefined && this.sessions.get(id) === true
  }

  close(id: string | undefined): void {
    if (id !== undefined) this.sessions.delete(id)
  }

  private refresh(now: number): void {
    if (now - this.readAt < rereadInterval) return
    this.readAt = now
    try {
      const secret = this.read()
      // who had the old token has it no more
      if (secret !== this.secret) this.sessions.clear()
      this.secret = secret
    } catch {
      // the last one stays: Haraka may have changed to a user that cannot read the file
    }
  }
}
