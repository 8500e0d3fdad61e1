/**
 * After DATA: takes the message over for every recipient, or for none.
 *
 *   one place, direct   handed over while the client waits. Refused by all: the client hears the
 *                       host's own words. Refused for some: those are reported to the sender.
 *                       Deferred, not reached or without an answer: queued
 *   several places      queued, an entry a place
 *   the disk refuses    450, and nothing is left behind
 *
 * What has to be queued or reported is on disk before the first octet of the message goes to the
 * host, so that a full disk is found while everything can still be refused. A client that has gone
 * meanwhile comes again: it gets nothing half.
 */
import { errorText } from '../basics/error-text.js'
import { thenSoon } from '../basics/soon.js'
import type { EsmtpParameters, HarakaConnection, HarakaTransaction } from '../haraka/haraka.js'
import { listFieldName, listsOf } from '../loop/tokens.js'
import { placeKey } from '../mail/place.js'
import type { Reply } from '../mail/reply.js'
import type { Dispatcher } from './dispatcher.js'
import { groupBy } from '../basics/group-by.js'
import { commonRefusal, type Outcome } from './outcome.js'
import { isNothing, remainder, type Remainder } from './remainder.js'
import { RestOnDisk } from './rest-on-disk.js'
import type { PreparedEntries } from './queue/queue-entry.js'
import type { EntryWriter } from './queue/entry-writer.js'
import type { Addressee, Consignment, Failure, Portion, RoutedRecipient } from './consignment.js'
import type { DeliverySetup } from './setup.js'
import { envidOf, retOf } from './smtp/dsn-parameters.js'
import { xclientAttributes } from './smtp/xclient.js'
import { makeReply, replyText, type SmtpReply } from './smtp/smtp-reply.js'
import { directTimeouts } from './smtp/timeouts.js'
import type { Target } from './hosts/target.js'
import { TransactionMessage } from '../haraka/transaction-message.js'

/** How long a client waits for the final dot to be sent, in milliseconds; then the queue has it. */
export const directPatience = { least: 20_000, most: 50_000, octetsPerSecond: 1_000_000 }

const noDisk: Reply = { code: 450, enhanced: '4.3.1', text: 'cannot queue the message now' }
const clientGone = 'the client has gone'

class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

export class HandOver {
  private readonly setup: DeliverySetup
  private readonly dispatcher: Dispatcher
  private readonly writer: EntryWriter

  constructor(setup: DeliverySetup, dispatcher: Dispatcher, writer: EntryWriter) {
    this.setup = setup
    this.dispatcher = dispatcher
    this.writer = writer
  }

  async run(
    connection: HarakaConnection,
    routed: readonly RoutedRecipient[],
    parameters: EsmtpParameters,
  ): Promise<Reply> {
    const { transaction } = connection
    if (!transaction) return { code: 450, enhanced: '4.4.2', text: clientGone }
    const temporary = routed.find(({ refused }) => refused && refused.code < 500)?.refused
    if (temporary) return temporary
    const failures = routed.flatMap(refusal)
    const portions = portionsOf(routed)
    if (portions.length === 0) {
      const refused = routed.find((recipient) => recipient.refused)?.refused
      return refused ?? { code: 450, enhanced: '4.3.5', text: 'no recipient has a place' }
    }
    const held = TransactionMessage.hold(transaction, parameters)
    const message = held instanceof Promise ? await held : held
    try {
      const consignment = consign(connection, transaction, message, parameters)
      const present = (): void => {
        if (connection.transaction !== transaction) throw new ClientGoneError(clientGone)
      }
      const [portion, ...others] = portions
      if (portion && others.length === 0 && failures.length === 0) {
        const target = await this.dispatcher.directTarget(portion.place, portion.addressees)
        if (target) return await this.direct(consignment, portion, target, present)
      }
      present()
      return await this.queue(consignment, portions, failures, present)
    } catch (error) {
      if (!(error instanceof ClientGoneError)) throw error
      this.setup.env.log.notice(
        `delivery ${transaction.uuid}: ${clientGone}; nothing was handed over`,
      )
      return { code: 450, enhanced: '4.4.2', text: clientGone }
    } finally {
      message.release()
    }
  }

  private async queue(
    consignment: Consignment,
    portions: readonly Portion[],
    failures: readonly Failure[],
    present: () => void = () => undefined,
  ): Promise<Reply> {
    const { log } = this.setup.env
    try {
      const prepared = await this.writer.prepare(consignment, portions, failures)
      try {
        present()
      } catch (error) {
        await prepared.abort()
        throw error
      }
      await prepared.commit()
    } catch (error) {
      if (error instanceof ClientGoneError) throw error
      log.crit(`delivery ${consignment.uuid}: cannot queue: ${errorText(error)}`)
      return noDisk
    }
    this.logQueued(consignment, portions)
    return { code: 250, enhanced: '2.0.0', text: 'queued' }
  }

  private logQueued({ uuid }: Consignment, portions: readonly Portion[]): void {
    for (const { place, addressees } of portions) {
      for (const { recipient } of addressees) {
        this.setup.env.log.notice(
          `delivery ${uuid} <${recipient.address}> ${placeKey(place)} queued`,
        )
      }
    }
  }

  /** Hands over while the client waits; what is left goes on disk, and is there before the message. */
  private async direct(
    consignment: Consignment,
    portion: Portion,
    target: Target,
    present: () => void,
  ): Promise<Reply> {
    const { place, addressees } = portion
    const schedule = this.dispatcher.scheduleOf(place)
    const { least, most, octetsPerSecond } = directPatience
    const patience = least + (consignment.message.size / octetsPerSecond) * 1000
    const rest = new RestOnDisk((answers) => {
      const left = remainder(portion, answers, schedule)
      return isNothing(left) ? undefined : this.prepare(consignment, left)
    })
    let outcomes: Outcome[]
    try {
      outcomes = await this.dispatcher.dispatch(consignment, place, addressees, {
        target,
        timeouts: directTimeouts,
        until: performance.now() + Math.min(patience, most),
        oneTransaction: true,
        beforeMessage: (answers) =>
          thenSoon(rest.drop(), () => {
            present()
            return rest.prepare(answers)
          }),
        beforeDot: present,
      })
    } catch (error) {
      await rest.drop()
      if (error instanceof DiskError) return noDisk
      throw error
    }
    const refused = commonRefusal(outcomes)
    if (refused) {
      await rest.drop()
      return asReply(refused)
    }
    const left = remainder(portion, outcomes, schedule)
    if (!isNothing(left) && !(await this.keep(consignment, rest, outcomes, present))) return noDisk
    this.logQueued(consignment, left.portions)
    const yes = outcomes.find((outcome) => outcome.kind === 'delivered')
    return yes ? asReply(yes.reply) : { code: 250, enhanced: '2.0.0', text: 'queued' }
  }

  /** Puts what is left into the queue; false: the disk refuses. Rejects when the client has gone. */
  private async keep(
    consignment: Consignment,
    rest: RestOnDisk,
    outcomes: readonly Outcome[],
    present: () => void,
  ): Promise<boolean> {
    const nobodyHasIt = !outcomes.some(({ kind }) => kind === 'delivered' || kind === 'uncertain')
    try {
      if (nobodyHasIt) present()
      await rest.commit(outcomes)
      return true
    } catch (error) {
      await rest.drop()
      if (error instanceof ClientGoneError) throw error
      // some may have it already: a duplicate when the client comes again, rather than a loss
      this.setup.env.log.crit(`delivery ${consignment.uuid}: cannot queue: ${errorText(error)}`)
      return false
    }
  }

  private async prepare(
    consignment: Consignment,
    { portions, failures }: Remainder,
  ): Promise<PreparedEntries> {
    try {
      return await this.writer.prepare(consignment, portions, failures)
    } catch (error) {
      this.setup.env.log.crit(`delivery ${consignment.uuid}: cannot queue: ${errorText(error)}`)
      throw new DiskError(errorText(error), { cause: error })
    }
  }
}

class DiskError extends Error {
  override readonly name = 'DiskError'
}

function refusal(routed: RoutedRecipient): Failure[] {
  const { refused } = routed
  if (!refused) return []
  const reply = makeReply(refused.code, [`${refused.enhanced} ${refused.text}`])
  return [{ addressee: addresseeOf(routed), outcome: { kind: 'refused', reply, host: '' } }]
}

/** A place each; a recipient that stands twice in a place is delivered once. */
function portionsOf(routed: readonly RoutedRecipient[]): Portion[] {
  const going = routed.filter((recipient) => !recipient.refused)
  return [...groupBy(going, ({ place }) => placeKey(place)).values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const once = new Map<string, RoutedRecipient>()
    for (const one of group) if (!once.has(one.identity)) once.set(one.identity, one)
    return [{ place: first.place, addressees: [...once.values()].map(addresseeOf) }]
  })
}

/** What of a routed recipient is its place's. */
function addresseeOf({ recipient, original, orcpt, notify }: RoutedRecipient): Addressee {
  return { recipient, original, orcpt, ...(notify !== undefined && { notify }) }
}

function consign(
  connection: HarakaConnection,
  transaction: HarakaTransaction,
  message: TransactionMessage,
  parameters: EsmtpParameters,
): Consignment {
  return {
    uuid: transaction.uuid,
    mailFrom: transaction.mail_from,
    message,
    since: Date.now(),
    client: xclientAttributes(connection),
    lists: listsOf(transaction.header.get_all(listFieldName)),
    envid: envidOf(parameters['ENVID']),
    ret: retOf(parameters['RET']),
  }
}

function asReply(reply: SmtpReply): Reply {
  return { code: reply.code, enhanced: reply.enhanced, text: replyText(reply) }
}
