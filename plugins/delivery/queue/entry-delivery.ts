/**
 * Delivers an entry of the queue, when its clock says so, under the configuration of this moment. It
 * ends in exactly one way:
 *
 *   all delivered        removed
 *   some refused         reported to the sender, then taken out of the entry
 *   some not delivered   tried again when the place's schedule says; those who have it are taken out
 *   no session to be had waits for a host that has one, which counts no attempt
 *   held back            by an administrator, or since the configuration has no such place now: waits
 *                        as long as that takes, at the end of its time too
 *   older than `expire`  reported as failed
 *
 * Older than `warn_after` the sender is told once that it takes longer.
 */
import { errorText } from '../../basics/error-text.js'
import { existsSync } from 'node:fs'

import type { QueueItem } from '../../haraka/outbound.js'
import { placeKey, type Place } from '../../mail/place.js'
import type { Consignment, Failure } from '../consignment.js'
import type { Dispatcher } from '../dispatcher.js'
import {
  ageOf,
  isExpired,
  nextAttempt,
  nextLook,
  wantsWarning,
  waits,
  type Age,
} from '../hosts/schedule.js'
import { outcomeText, type Outcome } from '../outcome.js'
import type { QueueClock } from './clock.js'
import { keepRecipients } from './queue-entry.js'
import { routeOwn } from './own-mail.js'
import { disown, markWarned, notesOf } from './queue-notes.js'
import { forget } from './entry-message.js'
import type { EntryWriter } from './entry-writer.js'
import { endEntry, later, loadEntry, sortOutcomes, type LoadedEntry } from './loaded-entry.js'
import type { DeliverySetup } from '../setup.js'
import { rfcTimeouts } from '../smtp/timeouts.js'

const wholeAttempt = 3_600_000
const hour = 3_600_000

export interface QueueParts {
  readonly dispatcher: Dispatcher
  readonly writer: EntryWriter
  readonly clock: QueueClock
}

type Placed = LoadedEntry & { readonly place: Place }

export class EntryDelivery {
  private readonly setup: DeliverySetup
  private readonly parts: QueueParts
  /** paths: `haraka --qunstick` loads an entry a second time */
  private readonly underWay = new Set<string>()

  constructor(setup: DeliverySetup, parts: QueueParts) {
    this.setup = setup
    this.parts = parts
  }

  /** Never rejects; the item's own functions tell Haraka how it ended. */
  async run(item: QueueItem): Promise<void> {
    const { log } = this.setup.env
    const { path } = item
    this.parts.clock.arrived(item.filename)
    if (this.underWay.has(path)) {
      log.notice(`delivery ${item.todo.uuid}: ${item.filename} is being delivered already`)
      item.next_cb()
      return
    }
    this.underWay.add(path)
    try {
      // one look into the folder costs less than a thread's answer
      if (existsSync(path)) await this.deliver(item)
      else {
        // delivered meanwhile from the other time that it was loaded, or removed by hand
        log.notice(`delivery ${item.todo.uuid}: ${item.filename} is gone`)
        item.next_cb()
      }
    } catch (error) {
      log.crit(`delivery ${item.todo.uuid} failed: ${errorText(error)}`)
      later(item, `fault in delivery: ${errorText(error)}`, waits.onFault)
    } finally {
      this.underWay.delete(path)
      forget(path)
    }
  }

  private async deliver(item: QueueItem): Promise<void> {
    const notes = notesOf(item.todo.notes)
    if (!notes) {
      later(item, 'expected the notes of this version in the queue entry, got others', hour)
      return
    }
    const entry = loadEntry(item, notes)
    const { place } = notes
    if (place.kind === 'undecided') await this.deliverOwn(entry)
    else await this.deliverTo({ ...entry, place })
  }

  private async deliverTo(entry: Placed): Promise<void> {
    const { item, consignment, place, addressees } = entry
    const key = placeKey(place)
    const pause = this.setup.paused?.(key)
    if (pause) {
      const left = pause.until === undefined ? hour : pause.until - Date.now()
      const waiting = { place: key, group: `paused ${key}`, hosts: [] }
      this.parts.clock.park(item, waiting, Math.max(1000, Math.min(hour, left)))
      return
    }
    if (place.kind === 'outbound') {
      disown(item)
      item.get_mx()
      return
    }
    const outcomes = await this.parts.dispatcher.dispatch(consignment, place, addressees, {
      timeouts: rfcTimeouts,
      until: performance.now() + wholeAttempt,
      entry: item.filename,
    })
    await this.finish(entry, outcomes)
  }

  /** Mail that the gateway makes itself: those who go to different places get entries of their own. */
  private async deliverOwn(entry: LoadedEntry): Promise<void> {
    const { item, consignment, addressees } = entry
    const routed = await routeOwn(this.setup, item, addressees)
    const [only, ...others] = routed.portions
    const { nowhere, failed } = routed
    if (only && others.length === 0 && failed.length === 0) {
      await this.deliverTo({ ...entry, ...only })
      return
    }
    if (routed.portions.length > 0) {
      try {
        await (await this.parts.writer.prepare(consignment, routed.portions, [])).commit()
      } catch (error) {
        later(item, `cannot queue: ${errorText(error)}`, waits.onFault)
        return
      }
    }
    await this.finish(
      { ...entry, place: nowhere, addressees: failed.map(({ addressee }) => addressee) },
      failed.map(({ outcome }) => outcome),
    )
  }

  private async finish(entry: Placed, outcomes: readonly Outcome[]): Promise<void> {
    const { item, notes, consignment, place } = entry
    const schedule = this.parts.dispatcher.scheduleOf(place)
    const age: Age = { age: ageOf(consignment.since), warned: notes.warned === true }
    const expired = isExpired(schedule, age)
    const { failures, ...sorted } = sortOutcomes(entry.addressees, outcomes, expired)
    const problem = await this.report(consignment, failures)
    // what is not reported is not at its end: the entry keeps it
    const open = problem === undefined ? sorted.open : [...sorted.open, ...failures]
    if (open.length === 0) {
      endEntry(item, outcomes)
      return
    }
    const warns = !expired && open.some(({ outcome }) => outcome.kind !== 'held')
    const warned =
      warns && wantsWarning(schedule, age) && (await this.warn(entry, open, schedule.expire))
    if (open.length < item.todo.rcpt_to.length || warned) await this.keep(entry, open)
    const [last] = open.slice(-1)
    this.wait(
      entry,
      open.map(({ outcome }) => outcome),
      { ...age, warned: age.warned || warned },
      problem ?? (last ? outcomeText(last.outcome) : ''),
    )
  }

  /** Tells the sender of what has failed; answers why he could not be told. */
  private async report(
    consignment: Consignment,
    failures: readonly Failure[],
  ): Promise<string | undefined> {
    if (failures.length === 0) return undefined
    try {
      await (await this.parts.writer.prepare(consignment, [], failures)).commit()
      return undefined
    } catch (error) {
      const problem = `cannot report the failure: ${errorText(error)}`
      this.setup.env.log.crit(`delivery ${consignment.uuid}: ${problem}`)
      return problem
    }
  }

  /** Only those who are still to get it stay in the entry. */
  private async keep(
    { item, notes, consignment }: Placed,
    open: readonly Failure[],
  ): Promise<void> {
    const whole = open.length === item.todo.rcpt_to.length
    // the recipient of a report stays as it was written: it is routed anew
    const recipients =
      notes.place.kind === 'undecided' && whole
        ? item.todo.rcpt_to
        : open.map(({ addressee }) => addressee.recipient)
    const { outbound, env } = this.setup
    await keepRecipients(outbound, item, recipients, consignment.message).catch(
      (error: unknown) => {
        env.log.crit(
          `delivery ${consignment.uuid}: the queue entry stays whole: ${errorText(error)}`,
        )
      },
    )
  }

  /** Until it has a session, until it is mended, or until its time. */
  private wait(entry: Placed, open: readonly Outcome[], age: Age, problem: string): void {
    const { item, place, addressees } = entry
    const { clock, dispatcher } = this.parts
    const schedule = dispatcher.scheduleOf(place)
    const key = placeKey(place)
    if (open.every(({ kind }) => kind === 'held')) {
      clock.park(item, { place: key, group: `held ${key}`, hosts: [] }, nextLook(schedule, age))
      return
    }
    const hosts = open.flatMap((outcome) =>
      outcome.kind === 'unreachable' ? (outcome.waitsFor ?? []) : [],
    )
    if (hosts.length > 0 && open.every(({ kind }) => kind === 'unreachable')) {
      const group = dispatcher.groupOf(place, addressees)
      clock.park(item, { place: key, group, hosts: [...new Set(hosts)] }, nextLook(schedule, age))
      return
    }
    later(item, problem, nextAttempt(schedule, item.num_failures + 1, open))
  }

  /** Tells the sender of the delay; false: it could not be written, and is tried the next time. */
  private async warn(
    { item, notes, consignment }: Placed,
    open: readonly Failure[],
    expire: number,
  ): Promise<boolean> {
    try {
      const expires = new Date(consignment.since + expire)
      const warning = await this.parts.writer.prepareWarning(consignment, open, expires)
      if (!warning) return false
      await warning.commit()
    } catch (error) {
      const reason = errorText(error)
      this.setup.env.log.crit(`delivery ${consignment.uuid}: cannot report the delay: ${reason}`)
      return false
    }
    markWarned(item, notes)
    return true
  }
}
