/**
 * The bounded number of LDAP connections of one directory, and the lookups that wait for them.
 *
 * Lookups wait in order; each search asks for several of them at once when several wait. One set-up
 * is under way at a time, however many wait for it. Invariants:
 *
 *   connections, with the one being set up and those ending    never more than `connections`
 *   searches under way on one                                  never more than `max_in_flight`
 *   a lookup                                                   settles within `timeout`; is sent at most
 *                                                              twice, the second time elsewhere
 *
 * A connection on which nothing was answered for half of a lookup's time is taken for dead, so that
 * there is time to ask elsewhere. Failing is always "could not find out".
 */
import { errorStack } from '../../basics/error-text.js'
import type { MailAddress } from '../../mail/mail-address.js'
import type { Log } from '../../config/environment.js'
import type { LdapServer, LdapSettings } from './ldap-settings.js'
import { DirectoryError, type DirectoryEntry } from '../directory.js'
import { BindResting } from './bind-guard.js'
import type { LdapConnection } from './connection.js'
import { describeFailure, failureOf } from './failure.js'
import { afterReading, Lookup } from './lookup.js'
import { Servers } from './servers.js'
import {
  defaultRecycling,
  freest,
  heard,
  isDue,
  newSlot,
  retire,
  type Recycling,
  type Slot,
} from './slot.js'

export interface PoolWork {
  /** how many addresses a search may ask for */
  readonly batchSize: number
  /** a usable connection, or an Error within `limit` milliseconds */
  open(server: LdapServer, limit: number): Promise<LdapConnection>
  /** the entries of each address; `seconds` is the server's own limit; `heard`: it has answered something */
  search(
    connection: LdapConnection,
    addresses: readonly MailAddress[],
    seconds: number,
    heard: () => void,
  ): Promise<readonly (readonly DirectoryEntry[])[]>
}

export class LdapPool {
  private readonly settings: LdapSettings
  private readonly work: PoolWork
  private readonly log: Log
  private readonly clock = (): number => performance.now()
  private readonly servers: Servers
  private readonly slots = new Set<Slot>()
  private readonly recycling: Recycling
  private readonly upkeepTimer: NodeJS.Timeout
  private waiting: Lookup[] = []
  private opening = false
  private closed = false
  private lastFailure = 'not connected yet'

  constructor(settings: LdapSettings, work: PoolWork, log: Log, recycling = defaultRecycling) {
    this.settings = settings
    this.work = work
    this.log = log
    this.servers = new Servers(settings.servers, this.clock)
    this.recycling = recycling
    this.upkeepTimer = setInterval(() => this.upkeep(), recycling.interval)
    this.upkeepTimer.unref()
  }

  find(address: MailAddress): Promise<readonly DirectoryEntry[]> {
    const { name, timeout } = this.settings
    if (this.closed) return Promise.reject(new DirectoryError(name, 'the directory is closed'))
    const lookup = new Lookup(name, address, this.clock(), timeout, (late) => {
      this.waiting = this.waiting.filter((other) => other !== late)
      late.reject(`no answer in ${timeout} ms; ${this.lastFailure}`)
    })
    this.waiting.push(lookup)
    // lookups that come together are asked for together
    if (this.waiting.length === 1) setImmediate(() => this.dispatch())
    return lookup.answer
  }

  /** Ends everything; lookups under way fail. */
  close(): Promise<void> {
    this.closed = true
    clearInterval(this.upkeepTimer)
    this.failWaiting('the directory is being closed')
    for (const { connection } of this.slots) connection.end()
    return Promise.resolve()
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const slot = this.freeSlot()
      if (!slot) break
      const batch = this.nextBatch()
      if (batch.length > 0) this.guard(this.send(slot, batch))
    }
    if (this.waiting.length > 0) this.guard(this.grow())
  }

  private freeSlot(): Slot | undefined {
    return freest(this.slots, this.settings.maxInFlight)
  }

  private nextBatch(): Lookup[] {
    const { batchSize } = this.work
    const end = this.waiting.findIndex(({ alone }) => alone)
    const count = end === -1 ? batchSize : Math.min(batchSize, Math.max(1, end))
    return this.waiting.splice(0, count).filter(({ settled }) => !settled)
  }

  private async send(slot: Slot, batch: readonly Lookup[]): Promise<void> {
    const now = this.clock()
    const left = Math.min(...batch.map(({ deadline }) => deadline)) - now
    const first = batch.every(({ sent }) => sent === 0)
    for (const lookup of batch) lookup.sent += 1
    slot.searches += 1
    slot.used = now
    // lookups that have waited long must not make a good connection look dead
    const patience = Math.max(first ? left / 2 : left, this.settings.timeout / 4)
    const watch = afterReading(patience, () => {
      if (slot.answered < now) this.drop(slot, `no answer in ${Math.round(patience)} ms`)
    })
    try {
      const addresses = batch.map(({ address }) => address)
      const seconds = Math.max(1, Math.ceil(left / 1000))
      const answers = await this.work.search(slot.connection, addresses, seconds, () =>
        this.answered(slot),
      )
      this.answered(slot)
      if (this.servers.worked(slot.connection.server)) {
        this.log.notice(this.about(`${slot.connection.server.url} answers again`))
      }
      for (const [index, lookup] of batch.entries()) lookup.resolve(answers[index] ?? [])
    } catch (error) {
      this.searchFailed(slot, batch, error)
    } finally {
      clearTimeout(watch)
      slot.searches -= 1
      if (slot.state === 'retiring' && slot.searches === 0) slot.connection.end()
      this.dispatch()
    }
  }

  private answered(slot: Slot): void {
    heard(slot, this.clock())
  }

  private searchFailed(slot: Slot, batch: readonly Lookup[], error: unknown): void {
    const { server } = slot.connection
    const reason = `${server.url}: ${describeFailure(error)}`
    const failure = failureOf(error)
    if (failure === 'connection') this.drop(slot, describeFailure(error))
    else this.answered(slot)
    this.lastFailure = reason

    const other = failure === 'server' && this.servers.hasOther(server)
    const elsewhere = !this.closed && (failure === 'connection' || other)
    if (other) {
      this.servers.failed(server)
      this.leave(server)
    }
    if (failure !== 'connection') this.log.warn(this.about(reason))

    const apart = !this.closed && failure === 'search' && batch.length > 1
    const again = batch.filter(
      (lookup) => !lookup.settled && (apart || (elsewhere && lookup.sent < 2)),
    )
    for (const lookup of batch) {
      if (!again.includes(lookup)) lookup.reject(reason)
      else if (apart) lookup.alone = true
    }
    this.waiting.unshift(...again)
  }

  /** A connection that is gone, or as good as gone: its searches fail, and are tried once more. */
  private drop(slot: Slot, reason: string): void {
    if (slot.state === 'gone') return
    slot.state = 'gone'
    const { server } = slot.connection
    if (slot.searches > 0 && !this.closed) {
      const rest = this.servers.lostConnection(server)
      this.log.warn(this.about(`${server.url}: connection dropped: ${reason}${restText(rest)}`))
      if (this.servers.hasOther(server)) this.leave(server)
    }
    slot.connection.destroy()
  }

  /** Sets up one more connection, if there may be one, on the first server that can be had. */
  private async grow(): Promise<void> {
    if (this.opening || this.closed || this.slots.size >= this.settings.connections) return
    this.opening = true
    const end = this.clock() + this.settings.timeout
    const candidates = this.servers.available()
    for (const [index, server] of candidates.entries()) {
      // each has its share of the time, so that a dead first server leaves some for the second
      const limit = Math.max(1, (end - this.clock()) / (candidates.length - index))
      try {
        this.add(await this.work.open(server, Math.round(limit)))
        break
      } catch (error) {
        this.lastFailure = describeFailure(error)
        // the refusal itself was told, and another password is to be tried at once
        if (error instanceof BindResting) continue
        const rest = this.servers.failed(server)
        this.log.warn(this.about(`${this.lastFailure}${restText(rest)}`))
      }
    }
    this.opening = false
    // full connections take the lookups up when they have room again
    const usable = [...this.slots].some(({ state }) => state === 'open')
    if (!usable) this.failWaiting(this.lastFailure)
    else if (this.freeSlot()) this.dispatch()
  }

  private add(connection: LdapConnection): void {
    if (this.closed) {
      connection.end()
      return
    }
    const slot = newSlot(connection, this.clock())
    this.slots.add(slot)
    connection.onClose(() => {
      this.drop(slot, 'the server closed the connection')
      this.slots.delete(slot)
      this.dispatch()
    })
  }

  /** Ends connections before the server or a firewall does. */
  private upkeep(): void {
    const now = this.clock()
    for (const slot of this.slots) if (isDue(slot, now, this.recycling)) retire(slot)
  }

  /** What fails on one connection to a server must not be tried once more on another one to it. */
  private leave(server: LdapServer): void {
    for (const slot of this.slots) if (slot.connection.server === server) retire(slot)
  }

  /** A fault of this program must not end the server, nor leave anyone waiting. */
  private guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const reason = errorStack(error)
      this.log.crit(this.about(reason))
      this.failWaiting('a fault in the lookup')
    })
  }

  private failWaiting(reason: string): void {
    const failed = this.waiting
    this.waiting = []
    for (const lookup of failed) lookup.reject(reason)
  }

  private about(text: string): string {
    return `directory [${this.settings.name}]: ${text}`
  }
}

function restText(rest: number): string {
  return rest === 0 ? '' : `; left alone for ${rest / 1000} s`
}
