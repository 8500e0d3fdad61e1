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
import { groupBy } from '../../basics/group-by.js'
import { access } from 'node:fs/promises'

import type { HarakaAddress } from '../../haraka/haraka.js'
import type { QueueItem } from '../../haraka/outbound.js'
import { placeKey, type Place } from '../../mail/place.js'
import type { Dispatcher } from '../dispatcher.js'
import {
  isExpired,
  nextAttempt,
  nextLook,
  wantsWarning,
  waits,
  type Age,
} from '../hosts/schedule.js'
import { isTemporary, outcomeText, type Outcome } from '../outcome.js'
import type { QueueClock } from './clock.js'
import { keepRecipients } from './queue-entry.js'
import { disown, markWarned, notesOf, type EntryNotes } from './queue-notes.js'
import { queuedMessage } from './queued-message.js'
import type { Addressee, Consignment, Failure, Queuer } from './queuer.js'
import type { DeliverySetup } from '../setup.js'
import { orcptOf } from '../smtp/dsn-parameters.js'
import { makeReply } from '../smtp/reply.js'
import { rfcTimeouts } from '../smtp/timeouts.js'

const wholeAttempt = 3_600_000
const hour = 3_600_000

export interface QueueParts {
  readonly dispatcher: Dispatcher
  readonly queuer: Queuer
  readonly clock: QueueClock
}

/** An entry on its way, with what is known of it. */
interface Entry {
  readonly item: QueueItem
  readonly notes: EntryNotes
  readonly consignment: Consignment
  readonly place: Place
  readonly addressees: readonly Addressee[]
}

export class QueueDelivery {
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
      await access(path).then(
        () => this.deliver(item),
        (error: unknown) => {
          // delivered meanwhile from the other time that it was loaded, or removed by hand
          log.notice(`delivery ${item.todo.uuid}: ${item.filename} is gone: ${errorText(error)}`)
          item.next_cb()
        },
      )
    } catch (error) {
      log.crit(`delivery ${item.todo.uuid} failed: ${errorText(error)}`)
      later(item, `fault in delivery: ${errorText(error)}`, waits.forHost)
    } finally {
      this.underWay.delete(path)
    }
  }

  private async deliver(item: QueueItem): Promise<void> {
    const notes = notesOf(item.todo.notes)
    if (!notes) {
      later(item, 'expected the notes of this version in the queue entry, got others', hour)
      return
    }
    const { place } = notes
    const consignment = consign(item, notes)
    const addressees = item.todo.rcpt_to.map((recipient) => addresseeOf(recipient, notes))
    if (place.kind === 'undecided') {
      await this.deliverOwn({ item, notes, consignment, addressees })
    } else await this.deliverTo({ item, notes, consignment, place, addressees })
  }

  private async deliverTo(entry: Entry): Promise<void> {
    const { item, consignment, place, addressees } = entry
    if (place.kind === 'outbound') {
      disown(item)
      item.get_mx()
      return
    }
    const key = placeKey(place)
    const pause = this.setup.paused?.(key)
    if (pause) {
      const left = pause.until === undefined ? hour : pause.until - Date.now()
      const waiting = { place: key, group: `paused ${key}`, hosts: [] }
      this.parts.clock.park(item, waiting, Math.max(1000, Math.min(hour, left)))
      return
    }
    const outcomes = await this.parts.dispatcher.dispatch(consignment, place, addressees, {
      timeouts: rfcTimeouts,
      until: Date.now() + wholeAttempt,
      entry: item.filename,
    })
    await this.finish(entry, outcomes)
  }

  /**
   * Mail that the gateway makes itself: where each recipient goes is found out now, by the rules for any.
   * Those who go to different places get entries of their own.
   */
  private async deliverOwn(entry: Omit<Entry, 'place'>): Promise<void> {
    const { item, consignment } = entry
    const nowhere: Place = { kind: 'outbound', domain: item.todo.domain }
    const routes = await Promise.all(
      entry.addressees.map((addressee) => this.routeOwn(addressee, nowhere)),
    )
    const groups = groupBy(routes, ({ place, outcome }) => outcome?.kind ?? placeKey(place))
    const [first, ...others] = groups.values()
    if (first && others.length === 0) {
      const [{ place, outcome }] = first as [Routed]
      const addressees = first.map(({ addressee }) => addressee)
      if (outcome)
        await this.finish({ ...entry, place, addressees }, first.flatMap(outcomeOfRouted))
      else await this.deliverTo({ ...entry, place, addressees })
      return
    }
    const going = routes.filter(({ outcome }) => !outcome)
    const portions = [...groupBy(going, ({ place }) => placeKey(place)).values()].map((group) => ({
      place: group[0]?.place ?? nowhere,
      addressees: group.map(({ addressee }) => addressee),
    }))
    try {
      await (await this.parts.queuer.prepare(consignment, portions, [])).commit()
    } catch (error) {
      later(item, `cannot queue: ${errorText(error)}`, hour / 60)
      return
    }
    const left = routes.filter(({ outcome }) => outcome)
    await this.finish(
      { ...entry, place: nowhere, addressees: left.map(({ addressee }) => addressee) },
      left.flatMap(outcomeOfRouted),
    )
  }

  private async routeOwn(addressee: Addressee, nowhere: Place): Promise<Routed> {
    try {
      const route = await this.setup.routeOwn?.(addressee.recipient)
      if (route) {
        return { addressee: { ...addressee, recipient: route.recipient }, place: route.place }
      }
      const reply = makeReply(550, ['5.1.1 nobody takes mail for this address'])
      return { addressee, place: nowhere, outcome: { kind: 'refused', reply, host: '' } }
    } catch (error) {
      const reason = errorText(error)
      return { addressee, place: nowhere, outcome: { kind: 'unreachable', reason, host: '' } }
    }
  }

  private async finish(entry: Entry, outcomes: readonly Outcome[]): Promise<void> {
    const { item, notes, consignment, place, addressees } = entry
    const { log } = this.setup.env
    const schedule = this.parts.dispatcher.scheduleOf(place)
    const age: Age = { age: Date.now() - consignment.since, warned: notes.warned === true }
    const expired = isExpired(schedule, age)
    const failures: Failure[] = []
    let open: Failure[] = []
    let problem = ''
    addressees.forEach((addressee, index) => {
      const outcome = outcomes[index] ?? { kind: 'not-asked', reason: 'not tried', host: '' }
      const isOver = expired && isTemporary(outcome) && outcome.kind !== 'held'
      if (outcome.kind === 'refused' || isOver) failures.push({ addressee, outcome })
      else if (isTemporary(outcome)) {
        open.push({ addressee, outcome })
        problem = outcomeText(outcome)
      }
    })
    if (failures.length > 0) {
      try {
        const report = await this.parts.queuer.prepare(consignment, [], failures)
        await report.commit()
      } catch (error) {
        // not reported, so not at its end: the entry keeps them
        problem = `cannot report the failure: ${errorText(error)}`
        log.crit(`delivery ${consignment.uuid}: ${problem}`)
        open = [...open, ...failures]
      }
    }
    if (open.length === 0) {
      this.end(item, outcomes)
      return
    }
    const warns = !expired && open.some(({ outcome }) => outcome.kind !== 'held')
    const warned =
      warns && wantsWarning(schedule, age) && (await this.warn(entry, open, schedule.expire))
    if (open.length < item.todo.rcpt_to.length || warned) {
      // a report's recipient stays as it was written: it is routed anew
      const keep = new Set(open.map(({ addressee }) => addressee))
      const recipients =
        notes.place.kind === 'undecided' && open.length === item.todo.rcpt_to.length
          ? item.todo.rcpt_to
          : addressees.filter((one) => keep.has(one)).map(({ recipient }) => recipient)
      await keepRecipients(this.setup.outbound, item, recipients, consignment.message).catch(
        (error: unknown) => {
          log.crit(`delivery ${consignment.uuid}: the queue entry stays whole: ${errorText(error)}`)
        },
      )
    }
    this.wait(
      entry,
      open.map(({ outcome }) => outcome),
      { ...age, warned: age.warned || warned },
      problem,
    )
  }

  /** Until it has a session, until it is mended, or until its time. */
  private wait(entry: Entry, open: readonly Outcome[], age: Age, problem: string): void {
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
    { item, notes, consignment }: Entry,
    open: readonly Failure[],
    expire: number,
  ): Promise<boolean> {
    try {
      const expires = new Date(consignment.since + expire)
      const warning = await this.parts.queuer.prepareWarning(consignment, open, expires)
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

  private end(item: QueueItem, outcomes: readonly Outcome[]): void {
    const recipients = item.todo.rcpt_to
    const [yes] = outcomes.filter(({ kind }) => kind === 'delivered')
    if (!yes) {
      item.discard()
      return
    }
    const of = (kind: Outcome['kind']): HarakaAddress[] =>
      recipients.filter((_, index) => outcomes[index]?.kind === kind)
    const [, name = yes.host, ip = '', port = ''] = /^(.*)\[(.*)\]:(\d+)$/u.exec(yes.host) ?? []
    const [accepted, refused] = [of('delivered'), of('refused')]
    const words = outcomeText(yes)
    item.delivered(ip, Number(port), 'SMTP', name || ip, words, accepted, [], refused, false, false)
  }
}

interface Routed {
  readonly addressee: Addressee
  readonly place: Place
  /** it cannot go anywhere now */
  readonly outcome?: Outcome
}

function outcomeOfRouted({ outcome }: Routed): Outcome[] {
  return outcome ? [outcome] : []
}

/** An attempt has failed; the entry comes again after that time, which stands in its file's name. */
function later(item: QueueItem, reason: string, milliseconds: number): void {
  // Haraka counts attempts and would bounce after its last interval: here time decides
  item.num_failures = Math.min(item.num_failures, item.cfg.temp_fail_intervals.length - 1)
  item.temp_fail(reason, { delay: milliseconds / 1000 })
}

function consign(item: QueueItem, notes: EntryNotes): Consignment {
  const { uuid, mail_from: mailFrom, queue_time: since } = item.todo
  const { lists, client, envid, ret } = notes
  return { uuid, mailFrom, message: queuedMessage(item, notes), since, lists, client, envid, ret }
}

function addresseeOf(recipient: HarakaAddress, notes: EntryNotes): Addressee {
  const { address } = recipient
  const known = notes.recipients[address]
  return {
    recipient,
    original: known?.original ?? address,
    orcpt: known?.orcpt ?? orcptOf(undefined, address),
    ...(known?.notify !== undefined && { notify: known.notify }),
  }
}
