/**
 * What delivery puts on disk: the entries of recipients that go on, the report to the sender about
 * those that do not, and copies of messages whose failure nobody can be told of (the null sender).
 */
import type { HarakaAddress } from '../../haraka/haraka.js'
import type { EventRecipient, MailEvent } from '../../mail/mail-event.js'
import { placeKey, type Place } from '../../mail/place.js'
import type { Addressee, Consignment, Failure, Portion } from '../consignment.js'
import { composeDsn, longestHeader, type FailedRecipient } from './dsn.js'
import { groupBy } from '../../basics/group-by.js'
import { inOnePiece } from '../../mail/message.js'
import { readHead } from '../../mail/message-head.js'
import type { Outcome } from '../outcome.js'
import { prepareEntries, type EntrySpec, type PreparedEntries } from './queue-entry.js'
import { toQueueNotes, undecidedNotes, type EntryNotes } from './queue-notes.js'
import type { DeliverySetup } from '../setup.js'
import { fromXtext, wantsDelay, wantsFailure } from '../smtp/dsn-parameters.js'
import { judgeReply } from '../smtp/judge.js'

export class EntryWriter {
  private readonly setup: DeliverySetup

  constructor(setup: DeliverySetup) {
    this.setup = setup
  }

  /**
   * Prepares an entry a place for what goes on, and a report or a kept copy for what failed. Rejects,
   * with nothing left behind, when the disk refuses.
   */
  async prepare(
    consignment: Consignment,
    portions: readonly Portion[],
    failures: readonly Failure[],
  ): Promise<PreparedEntries> {
    const writings = portions.flatMap((portion) => entries(consignment, portion))
    const told = failures.filter(({ addressee }) => wantsFailure(addressee.notify))
    const failed = told.length > 0 && (await this.failureEntry(consignment, told))
    if (failed) writings.push(failed)
    return this.prepareAll(consignment, writings)
  }

  /**
   * Prepares the report to the sender that it takes longer (RFC 3464 2.3.3, `delayed`); undefined:
   * nobody wants to hear of it.
   */
  async prepareWarning(
    consignment: Consignment,
    delayed: readonly Failure[],
    expires: Date,
  ): Promise<PreparedEntries | undefined> {
    const told = delayed.filter(({ addressee }) => wantsDelay(addressee.notify))
    if (told.length === 0 || consignment.mailFrom.isNull()) return undefined
    return this.prepareAll(consignment, [await this.report(consignment, told, expires)])
  }

  private async prepareAll(
    { uuid }: Consignment,
    writings: readonly Writing[],
  ): Promise<PreparedEntries> {
    const { observe } = this.setup
    const prepared = await prepareEntries(
      this.setup.outbound,
      writings.map(({ spec }, index) => ({ ...spec, uuid: `${uuid}.${index + 1}` })),
    )
    return {
      commit: async () => {
        const names = await prepared.commit()
        writings.forEach(({ event }, index) => observe?.(event(names[index] ?? '')))
        return names
      },
      abort: () => prepared.abort(),
    }
  }

  private async failureEntry(
    consignment: Consignment,
    failures: readonly Failure[],
  ): Promise<Writing | undefined> {
    const { uuid, mailFrom } = consignment
    const { log } = this.setup.env
    if (!mailFrom.isNull()) return this.report(consignment, failures)
    const worth = failures.filter(({ outcome }) => !isUnknown(outcome))
    const lost = failures.map(({ addressee }) => `<${addressee.recipient.address}>`).join(', ')
    if (worth.length === 0) {
      log.notice(`delivery ${uuid}: ${lost} unknown and the sender is <>: nobody is told`)
      return undefined
    }
    const reason = `${lost} failed and the sender is <>`
    log.error(`delivery ${uuid}: ${reason}: kept in the queue folder as error.*`)
    const event = (entry: string): MailEvent => ({ kind: 'kept', uuid, entry, reason })
    return { spec: keptEntry(consignment, worth), event }
  }

  /** A report of failure, or with `expires` of delay. */
  private async report(
    consignment: Consignment,
    failures: readonly Failure[],
    expires?: Date,
  ): Promise<Writing> {
    const { uuid, mailFrom, message, since, envid } = consignment
    const now = new Date()
    const contents = await composeDsn({
      gatewayName: this.setup.gatewayName,
      sender: mailFrom.address,
      id: `${uuid}.${now.getTime()}`,
      envid: envid === undefined ? undefined : fromXtext(envid),
      arrival: new Date(since),
      now,
      ...(expires && { expires }),
      failed: failures.map(({ addressee, outcome }): FailedRecipient => {
        const original = fromXtext(addressee.orcpt)
        return { address: addressee.recipient.address, original, outcome }
      }),
      header: await readHead(message.octets(), longestHeader),
    })
    const to = mailFrom.address
    const action = expires ? 'delayed' : 'failed'
    this.setup.env.log.notice(`delivery ${uuid}: ${failures.length} ${action}, reported to <${to}>`)
    const recipients = failures.map(({ addressee }) => eventRecipient(addressee))
    return {
      spec: {
        uuid,
        domain: mailFrom.host,
        mailFrom: nullSender(mailFrom),
        recipients: [mailFrom],
        since: now.getTime(),
        // without rules of our own the sender's domain is all there is to go by
        notes: this.setup.routeOwn ? toQueueNotes(undecidedNotes([to])) : {},
        message: inOnePiece(dotStuffed(contents)),
      },
      event: (entry) => ({ kind: 'reported', uuid, action, to, entry, recipients }),
    }
  }
}

/** What goes on disk, and what is told of it when it is there. */
interface Writing {
  readonly spec: EntrySpec
  readonly event: (entry: string) => MailEvent
}

/** A host that knows no such recipient: nobody waits for a copy of what a stranger wrote to him. */
function isUnknown(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && judgeReply(outcome.reply, 'RCPT') === 'address'
}

export function eventRecipient({ recipient, original }: Addressee): EventRecipient {
  return { recipient: recipient.address, original }
}

function entries(consignment: Consignment, portion: Portion): Writing[] {
  const { place, addressees, later, reason = 'several places' } = portion
  const { uuid, mailFrom, message, since } = consignment
  const entry = (part: readonly Addressee[]): Writing => ({
    spec: {
      uuid,
      domain: part[0]?.recipient.host ?? '',
      mailFrom,
      recipients: part.map(({ recipient }) => recipient),
      since,
      notes: toQueueNotes(entryNotes(consignment, place, part)),
      message,
      ...(later && { later }),
    },
    event: (name) => {
      const recipients = part.map(eventRecipient)
      return { kind: 'queued', uuid, place: placeKey(place), entry: name, recipients, reason }
    },
  })
  // Haraka's outbound asks for the MX of an entry's domain
  return place.kind === 'outbound'
    ? [...groupBy(addressees, ({ recipient }) => recipient.host).values()].map(entry)
    : [entry(addressees)]
}

function keptEntry(consignment: Consignment, failures: readonly Failure[]): EntrySpec {
  const { uuid, mailFrom, message, since } = consignment
  const recipients = failures.map(({ addressee }) => addressee.recipient)
  const domain = recipients[0]?.host ?? ''
  return { uuid, domain, mailFrom, recipients, notes: {}, message, since, keep: true }
}

function entryNotes(
  { message, lists, client, envid, ret }: Consignment,
  place: Place,
  addressees: readonly Addressee[],
): EntryNotes {
  return {
    version: 1,
    place,
    recipients: Object.fromEntries(
      addressees.map(({ recipient, ...notes }) => [recipient.address, notes]),
    ),
    lists,
    client,
    eightBit: message.eightBit,
    utf8: message.utf8,
    envid,
    ret,
  }
}

/** `<>` as Haraka's own address class makes it. */
function nullSender(like: HarakaAddress): HarakaAddress {
  const AddressClass = like.constructor as new (text: string) => HarakaAddress
  return new AddressClass('<>')
}

function dotStuffed(contents: Buffer): Buffer {
  return Buffer.from(
    contents.toString('latin1').replace(/\r?\n/gu, '\r\n').replace(/^\./gmu, '..'),
    'latin1',
  )
}
