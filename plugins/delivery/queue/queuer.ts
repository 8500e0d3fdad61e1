/**
 * What delivery puts on disk: the entries of recipients that go on, the report to the sender about
 * those that do not, and copies of messages whose failure nobody can be told of (the null sender).
 */
import type { HarakaAddress } from '../../haraka/haraka.js'
import type { Place } from '../../mail/place.js'
import { composeDsn, longestHeader, type FailedRecipient } from './dsn.js'
import { groupBy } from '../../basics/group-by.js'
import type { OutgoingMessage } from '../../mail/message.js'
import { readHead } from '../../mail/message-head.js'
import type { Outcome } from '../outcome.js'
import { prepareEntries, type EntrySpec, type PreparedEntries } from './queue-entry.js'
import {
  toQueueNotes,
  undecidedNotes,
  type EntryNotes,
  type RecipientNotes,
} from './queue-notes.js'
import type { DeliverySetup } from '../setup.js'
import { fromXtext, wantsFailure } from '../smtp/dsn-parameters.js'

/** A message with all that its entries have in common. */
export interface Consignment {
  readonly uuid: string
  readonly mailFrom: HarakaAddress
  readonly message: OutgoingMessage
  /** milliseconds since 1970 at which it was taken */
  readonly since: number
  /** mailing lists that it came through (../loop.ts) */
  readonly lists: string
  /** attributes of XCLIENT: whose mail it is */
  readonly client?: string | undefined
  readonly envid?: string | undefined
  readonly ret?: string | undefined
}

export interface Addressee extends RecipientNotes {
  readonly recipient: HarakaAddress
}

export interface Portion {
  readonly place: Place
  readonly addressees: readonly Addressee[]
}

export interface Failure {
  readonly addressee: Addressee
  readonly outcome: Outcome
}

export class Queuer {
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
    const specs = portions.flatMap((portion) => entries(consignment, portion))
    const told = failures.filter(({ addressee }) => wantsFailure(addressee.notify))
    if (told.length > 0) specs.push(await this.failureEntry(consignment, told))
    return prepareEntries(
      this.setup.outbound,
      specs.map((spec, index) => ({ ...spec, uuid: `${consignment.uuid}.${index + 1}` })),
    )
  }

  private async failureEntry(
    consignment: Consignment,
    failures: readonly Failure[],
  ): Promise<EntrySpec> {
    const { uuid, mailFrom, message, since, envid } = consignment
    const { log } = this.setup.env
    if (mailFrom.isNull()) {
      const lost = failures.map(({ addressee }) => `<${addressee.recipient.address}>`).join(', ')
      log.error(
        `delivery ${uuid}: ${lost} failed and the sender is <>: kept in the queue folder as error.*`,
      )
      return keptEntry(consignment, failures)
    }
    const contents = await composeDsn({
      gatewayName: this.setup.gatewayName,
      sender: mailFrom.address,
      id: `${uuid}.${Date.now()}`,
      envid: envid === undefined ? undefined : fromXtext(envid),
      arrival: new Date(since),
      now: new Date(),
      failed: failures.map(({ addressee, outcome }): FailedRecipient => {
        const original = fromXtext(addressee.orcpt)
        return { address: addressee.recipient.address, original, outcome }
      }),
      header: await readHead(message.octets(), longestHeader),
    })
    const to = mailFrom.address
    log.notice(`delivery ${uuid}: ${failures.length} failed, reported to <${to}>`)
    return {
      uuid,
      domain: mailFrom.host,
      mailFrom: nullSender(mailFrom),
      recipients: [mailFrom],
      // without rules of our own the sender's domain is all there is to go by
      notes: this.setup.routeOwn ? toQueueNotes(undecidedNotes([to])) : {},
      message: { octets: () => once(dotStuffed(contents)) },
    }
  }
}

function entries(consignment: Consignment, { place, addressees }: Portion): EntrySpec[] {
  const { uuid, mailFrom, message } = consignment
  const entry = (part: readonly Addressee[]): EntrySpec => ({
    uuid,
    domain: part[0]?.recipient.host ?? '',
    mailFrom,
    recipients: part.map(({ recipient }) => recipient),
    notes: place.kind === 'outbound' ? {} : toQueueNotes(entryNotes(consignment, place, part)),
    message,
  })
  // Haraka's outbound asks for the MX of an entry's domain
  return place.kind === 'outbound'
    ? [...groupBy(addressees, ({ recipient }) => recipient.host).values()].map(entry)
    : [entry(addressees)]
}

function keptEntry(consignment: Consignment, failures: readonly Failure[]): EntrySpec {
  const { uuid, mailFrom, message } = consignment
  const recipients = failures.map(({ addressee }) => addressee.recipient)
  const domain = recipients[0]?.host ?? ''
  return { uuid, domain, mailFrom, recipients, notes: {}, message, keep: true }
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

async function* once(contents: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(contents)
}
