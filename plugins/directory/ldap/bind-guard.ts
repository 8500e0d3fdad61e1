/**
 * Keeps a refused password from locking its account: Active Directory counts refused binds on all its
 * controllers together, and so does this guard, for all servers of a directory and all processes.
 *
 *   a name and password that were never taken   one try at a time
 *   refused                                     the next try after 30 s, twice as long each time, 30 min
 *                                               at most; on another server of the directory, if there is one
 *   taken by this server before                 tried there at once, as its own refusal may be its fault
 *   another password                            tried at once
 *
 * What was refused is kept in a file, so that restarts do not begin anew. Nothing in it tells the
 * password: only a digest with a salt.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { InappropriateAuthError, InvalidCredentialsError } from 'ldapts'

import type { LdapServer } from './ldap-settings.js'

const firstRest = 30_000
const longestRest = 30 * 60_000
// a try takes no longer; after that another process may try
const tryTime = 10_000
const lookInterval = 50

/** No try was made: the last one was refused not long ago. */
export class BindResting extends Error {}

interface Record {
  readonly salt: string
  /** of the name and password */
  readonly digest: string
  /** how often they were refused; 0: a try is under way */
  readonly refused: number
  /** time of day, in milliseconds, of the next try */
  readonly until: number
  /** the server that refused last */
  readonly server: string
}

export interface BindGuardOptions {
  /** where refusals are kept; undefined: in this process */
  readonly file?: string | undefined
  /** the time of day in milliseconds, as other processes see it */
  readonly now?: () => number
}

export class BindGuard {
  private readonly servers: readonly LdapServer[]
  private readonly file: string | undefined
  private readonly now: () => number
  private kept: Record | undefined
  /** the digests that a server took, by its URL */
  private readonly taken = new Map<string, string>()
  private readonly salt = randomBytes(16).toString('hex')

  constructor(servers: readonly LdapServer[], { file, now = Date.now }: BindGuardOptions = {}) {
    this.servers = servers
    this.file = file
    this.now = now
  }

  /**
   * Opens a connection with these credentials if they may be tried now. Rejects with BindResting
   * within `limit` milliseconds if not, else as `open` does.
   */
  async open<T>(
    server: LdapServer,
    bind: { readonly dn: string; readonly password: string } | undefined,
    limit: number,
    open: () => Promise<T>,
  ): Promise<T> {
    if (!bind) return open()
    const own = digestOf(this.salt, bind)
    if (this.taken.get(server.url) !== own) await this.turn(server, bind, limit)
    try {
      const opened = await open()
      this.taken.set(server.url, own)
      this.forget()
      return opened
    } catch (error) {
      if (isRefusal(error)) this.refused(server, bind)
      // no answer to the bind: nothing was counted
      else if (this.read(bind)?.refused === 0) this.forget()
      throw error
    }
  }

  /** Waits until nobody else tries; takes the turn. */
  private async turn(server: LdapServer, bind: Bind, limit: number): Promise<void> {
    const end = performance.now() + limit
    for (;;) {
      const record = this.read(bind)
      const now = this.now()
      // a clock that was put back must not make a rest of years
      if (record && record.until - now > longestRest) {
        this.write({ ...record, until: now + longestRest })
      }
      const wait = record ? Math.min(record.until - now, longestRest) : 0
      if (!record || (wait <= 0 && !this.isForAnother(record, server, -wait))) {
        // while this one is under way, nobody else tries
        if (record) this.write({ ...record, until: now + restAfter(record.refused + 1) })
        else if (this.taken.size === 0)
          this.write(recordOf(this.salt, bind, server, 0, now + tryTime))
        return
      }
      if (record.refused > 0 || performance.now() + lookInterval > end) {
        const seconds = Math.max(1, Math.ceil(wait / 1000))
        throw new BindResting(
          `${server.url}: bind: ${bind.dn} was refused ${record.refused} times; the next try, in ${seconds} s, is not made earlier, so that the account is not locked`,
        )
      }
      await sleep(lookInterval)
    }
  }

  /** The server that refused last lets another one try first, unless that cannot be reached. */
  private isForAnother(record: Record, server: LdapServer, overdue: number): boolean {
    return (
      record.refused > 0 &&
      this.servers.length > 1 &&
      record.server === server.url &&
      overdue < firstRest
    )
  }

  private refused(server: LdapServer, bind: Bind): void {
    this.taken.delete(server.url)
    const refused = (this.read(bind)?.refused ?? 0) + 1
    this.write(recordOf(this.salt, bind, server, refused, this.now() + restAfter(refused)))
  }

  /** What is kept of these credentials. */
  private read(bind: Bind): Record | undefined {
    let record = this.kept
    if (this.file !== undefined) {
      try {
        record = JSON.parse(readFileSync(this.file, 'utf8')) as Record
      } catch {
        // none, or not whole: as if nothing had been refused
        record = undefined
      }
    }
    return record && record.digest === digestOf(record.salt, bind) ? record : undefined
  }

  private write(record: Record): void {
    this.kept = record
    if (this.file === undefined) return
    const draft = `${this.file}.${process.pid}`
    try {
      writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
      renameSync(draft, this.file)
    } catch {
      // a disk that cannot be written to must not keep the directory from being asked
    }
  }

  private forget(): void {
    this.kept = undefined
    if (this.file !== undefined) rmSync(this.file, { force: true })
  }
}

interface Bind {
  readonly dn: string
  readonly password: string
}

function recordOf(
  salt: string,
  bind: Bind,
  server: LdapServer,
  refused: number,
  until: number,
): Record {
  return { salt, digest: digestOf(salt, bind), refused, until, server: server.url }
}

function restAfter(refused: number): number {
  return Math.min(firstRest * 2 ** (refused - 1), longestRest)
}

function digestOf(salt: string, { dn, password }: Bind): string {
  return createHash('sha256')
    .update(JSON.stringify([salt, dn, password]))
    .digest('hex')
}

/** The account's name or password was not taken, as told by the server. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof InvalidCredentialsError || cause instanceof InappropriateAuthError) {
      return true
    }
  }
  return false
}
