/**
 * Delivers an entry of the queue, when Haraka's clock says so, under the configuration of this
 * moment. The entry ends in exactly one way:
 *
 *   all delivered        removed
 *   some refused         reported to the sender, then taken out of the entry
 *   some not delivered   tried again later; those who have it are taken out of the entry first
 *   tried often enough   reported as failed
 *
 * A connector that is gone is a temporary fault: an administrator can put it back. The null sender
 * gets no report; the message is kept under a name that Haraka skips.
 */
import { errorText } from '../../basics/error-text.js'
import { access } from 'node:fs/promises'

import type { HarakaAddress } from '../../haraka/haraka.js'
import type { QueueItem } from '../../haraka/outbound.js'
import type { Dispatcher } from '../dispatcher.js'
import { isTemporary, outcomeText, type Outcome } from '../outcome.js'
import { keepRecipients } from './queue-entry.js'
import { disown, readNotes, type EntryNotes } from './queue-notes.js'
import { queuedMessage } from './queued-message.js'
import type { Addressee, Consignment, Failure, Queuer } from './queuer.js'
import type { DeliverySetup, OwnRoute } from '../setup.js'
import { orcptOf } from '../smtp/dsn-parameters.js'
import { makeReply } from '../smtp/reply.js'
import { rfcTimeouts } from '../smtp/timeouts.js'

const wholeAttempt = 3_600_000

export class QueueDelivery {
  private readonly setup: DeliverySetup
  private readonly dispatcher: Dispatcher
  private readonly queuer: Queuer
  /** paths: `haraka --qunstick` loads an entry a second time */
  private readonly underWay = new Set<string>()

  constructor(setup: DeliverySetup, dispatcher: Dispatcher, queuer: Queuer) {
    this.setup = setup
    this.dispatcher = dispatcher
    this.queuer = queuer
  }

  /** Never rejects; the item's own functions tell Haraka how it ended. */
  async run(item: QueueItem): Promise<void> {
    const { log } = this.setup.env
    const { path } = item
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
      item.temp_fail(`fault in delivery: ${errorText(error)}`)
    } finally {
      this.underWay.delete(path)
    }
  }

  private async deliver(item: QueueItem): Promise<void> {
    const notes = readNotes(item)
    if (!notes) {
      item.temp_fail('expected the notes of this version in the queue entry, got others')
      return
    }
    const consignment = consign(item, notes)
    let addressees = item.todo.rcpt_to.map((recipient) => addresseeOf(recipient, notes))
    let { place } = notes
    if (place.kind === 'undecided') {
      const route = await this.routeOwn(item.todo.rcpt_to)
      if ('kind' in route) {
        const outcomes = addressees.map(() => route)
        await this.finish(item, consignment, addressees, outcomes)
        return
      }
      place = route.place
      addressees = addressees.map((addressee) => ({ ...addressee, recipient: route.recipient }))
    }
    if (place.kind === 'outbound') {
      disown(item)
      item.get_mx()
      return
    }
    const outcomes = await this.dispatcher.dispatch(consignment, place, addressees, {
      timeouts: rfcTimeouts,
      until: Date.now() + wholeAttempt,
    })
    await this.finish(item, consignment, addressees, outcomes)
  }

  /** A report has one recipient; where it goes is found out now, by the rules for any. */
  private async routeOwn([recipient]: readonly HarakaAddress[]): Promise<OwnRoute | Outcome> {
    try {
      const route = recipient && (await this.setup.routeOwn?.(recipient))
      if (route) return route
      const reply = makeReply(550, ['5.1.1 nobody takes mail for this address'])
      return { kind: 'refused', reply, host: '' }
    } catch (error) {
      return { kind: 'unreachable', reason: errorText(error), host: '' }
    }
  }

  private async finish(
    item: QueueItem,
    consignment: Consignment,
    addressees: readonly Addressee[],
    outcomes: readonly Outcome[],
  ): Promise<void> {
    const { log } = this.setup.env
    const lastAttempt = item.num_failures >= item.cfg.temp_fail_intervals.length
    const failures: Failure[] = []
    let open: Addressee[] = []
    let problem = ''
    addressees.forEach((addressee, index) => {
      const outcome = outcomes[index] ?? { kind: 'unreachable', reason: 'not tried', host: '' }
      if (outcome.kind === 'refused' || (lastAttempt && isTemporary(outcome))) {
        failures.push({ addressee, outcome })
      } else if (isTemporary(outcome)) {
        open.push(addressee)
        problem = outcomeText(outcome)
      }
    })
    if (failures.length > 0) {
      try {
        const report = await this.queuer.prepare(consignment, [], failures)
        await report.commit()
      } catch (error) {
        // not reported, so not at its end: the entry keeps them
        problem = `cannot report the failure: ${errorText(error)}`
        log.crit(`delivery ${consignment.uuid}: ${problem}`)
        open = [...open, ...failures.map(({ addressee }) => addressee)]
      }
    }
    if (open.length === 0) {
      this.end(item, outcomes)
      return
    }
    if (open.length < addressees.length) {
      const recipients = open.map(({ recipient }) => recipient)
      await keepRecipients(this.setup.outbound, item, recipients, consignment.message).catch(
        (error: unknown) => {
          log.crit(`delivery ${consignment.uuid}: the queue entry stays whole: ${errorText(error)}`)
        },
      )
    }
    this.defer(item, problem, lastAttempt)
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

  private defer(item: QueueItem, problem: string, lastAttempt: boolean): void {
    if (!lastAttempt) {
      item.temp_fail(problem)
      return
    }
    // Haraka would bounce now; what could not be reported is kept and loaded at the next start
    item.next_cb()
  }
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
