/**
 * Sends a message to the recipients of one place, under the configuration of this moment. Used for
 * a client that waits and for the queue alike.
 */
import { LRUCache } from 'lru-cache'

import type { Log } from '../config/environment.js'
import type { HarakaAddress } from '../haraka/haraka.js'
import { placeKey, type Place } from '../mail/place.js'
import { mailboxHostSettings, type Schedule } from '../decision/connectors-config.js'
import { logOutcomes } from './delivery-log.js'
import { outcomeText, type Outcome } from './outcome.js'
import type { PlaceSender, Shipment } from './hosts/place-sender.js'
import { waysTo } from './hosts/target-login.js'
import { groupBy } from '../basics/group-by.js'
import type { Addressee, Consignment } from './consignment.js'
import { eventRecipient } from './queue/entry-writer.js'
import type { DeliverySetup } from './setup.js'
import { TargetError, type Target, type TargetFinder } from './hosts/target.js'

export type DispatchOptions = Pick<
  Shipment,
  'timeouts' | 'until' | 'oneTransaction' | 'beforeMessage' | 'beforeDot'
> & {
  /** where to, if that was found out already */
  readonly target?: Target
  /** the queue entry's file; absent: a client waits */
  readonly entry?: string
}

interface Known {
  /** keys of the ways that its mail went last (hosts/lease.ts) */
  hosts: readonly string[]
  underWay: number
  lastReply: string
}

// places of one's own are few; domains by MX may be many
const mostPlaces = 1000

export class Dispatcher {
  private readonly setup: DeliverySetup
  private readonly finder: TargetFinder
  private readonly sender: PlaceSender
  private readonly log: Log
  private readonly places = new LRUCache<string, Known>({ max: mostPlaces })

  constructor(setup: DeliverySetup, finder: TargetFinder, sender: PlaceSender) {
    this.setup = setup
    this.finder = finder
    this.sender = sender
    this.log = setup.env.log
  }

  /** An outcome for each addressee. Rejects only with what the options' functions threw. */
  async dispatch(
    consignment: Consignment,
    place: Place,
    addressees: readonly Addressee[],
    options: DispatchOptions,
  ): Promise<Outcome[]> {
    const known = this.know(place)
    known.underWay++
    try {
      const [first] = addressees
      const outcomes =
        first && !this.finder.isByDomain(place)
          ? await this.sendTo(consignment, place, first.recipient.host, addressees, options)
          : await this.sendByDomain(consignment, place, addressees, options)
      this.tell(consignment, place, addressees, outcomes, options.entry)
      return outcomes
    } finally {
      known.underWay--
    }
  }

  /** The places that mail went to, with the keys of their hosts. */
  known(): readonly (Known & { readonly place: string })[] {
    return [...this.places].map(([place, known]) => ({ ...known, place }))
  }

  scheduleOf(place: Place): Schedule {
    const connector = place.kind === 'connector' && this.setup.connector(place.connector)
    return connector ? connector.schedule : mailboxHostSettings.schedule
  }

  /** Equal for what goes to the same hosts. */
  groupOf(place: Place, addressees: readonly Addressee[]): string {
    if (!this.finder.isByDomain(place)) return placeKey(place)
    return [placeKey(place), ...byDomain(addressees).keys()].join(' ')
  }

  private know(place: Place): Known {
    const key = placeKey(place)
    const known = this.places.get(key) ?? { hosts: [], underWay: 0, lastReply: '' }
    this.places.set(key, known)
    return known
  }

  /** Recipients of different domains go to different hosts there. */
  private async sendByDomain(
    consignment: Consignment,
    place: Place,
    addressees: readonly Addressee[],
    options: DispatchOptions,
  ): Promise<Outcome[]> {
    const outcomes = new Map<Addressee, Outcome>()
    for (const [domain, group] of byDomain(addressees)) {
      const answers = await this.sendTo(consignment, place, domain, group, options)
      group.forEach((addressee, index) => {
        const answer = answers[index]
        if (answer) outcomes.set(addressee, answer)
      })
    }
    return addressees.map((addressee): Outcome => {
      return outcomes.get(addressee) ?? { kind: 'not-asked', reason: 'not tried', host: '' }
    })
  }

  /** A line and an event for each recipient; what only waits for a session is no attempt. */
  private tell(
    consignment: Consignment,
    place: Place,
    addressees: readonly Addressee[],
    outcomes: readonly Outcome[],
    entry: string | undefined,
  ): void {
    const { uuid, since } = consignment
    const [first] = outcomes
    if (first && outcomes.every(({ kind, host }) => kind === 'unreachable' && host === '')) {
      this.log.info(`delivery ${uuid}: ${placeKey(place)} waits: ${outcomeText(first)}`)
      this.know(place).lastReply = outcomeText(first)
      return
    }
    const names = addressees.map(({ recipient }) => recipient.address)
    logOutcomes(this.log, { uuid, since, place }, names, outcomes)
    addressees.forEach((addressee, index) => {
      const outcome = outcomes[index]
      if (!outcome) return
      const { kind, host } = outcome
      const answered = kind === 'delivered' || kind === 'refused' ? kind : 'deferred'
      const words =
        kind === 'uncertain' ? `uncertain: ${outcomeText(outcome)}` : outcomeText(outcome)
      if (kind !== 'delivered') this.know(place).lastReply = words
      this.setup.observe?.({
        kind: answered,
        uuid,
        place: placeKey(place),
        ...eventRecipient(addressee),
        host,
        reply: words,
        ...(entry !== undefined && { entry }),
      })
    })
  }

  /** The target, if a client may wait while the message goes there in one transaction. */
  async directTarget(place: Place, addressees: readonly Addressee[]): Promise<Target | undefined> {
    const [first] = addressees
    if (!first || this.setup.paused?.(placeKey(place))) return undefined
    if (this.finder.isByDomain(place) && byDomain(addressees).size > 1) return undefined
    try {
      const found = this.finder.find(place, first.recipient.host)
      const target = found instanceof Promise ? await found : found
      return target.direct && addressees.length <= target.maxRecipients ? target : undefined
    } catch (error) {
      if (error instanceof TargetError) return undefined
      throw error
    }
  }

  private async sendTo(
    { mailFrom, message, lists, client, envid, ret }: Consignment,
    place: Place,
    domain: string,
    addressees: readonly Addressee[],
    options: DispatchOptions,
  ): Promise<Outcome[]> {
    const { timeouts, until, oneTransaction, beforeMessage, beforeDot } = options
    let target: Target
    try {
      target = options.target ?? (await this.finder.find(place, domain))
    } catch (error) {
      if (!(error instanceof TargetError)) throw error
      const { message: reason, reply, isGone } = error
      if (!reply) this.log.error(`delivery to ${placeKey(place)}: ${reason}`)
      return addressees.map((): Outcome => {
        if (reply) return { kind: 'refused', reply, host: '' }
        return { kind: isGone ? 'held' : 'unreachable', reason, host: '' }
      })
    }
    this.know(place).hosts = waysTo(target)
    const names = addressees.map(({ recipient }) => recipient.address)
    const prefix = this.setup.loopField(target.way, names, lists)
    return await this.sender.send({
      target,
      message,
      prefix,
      timeouts,
      until,
      oneTransaction,
      beforeMessage,
      beforeDot,
      xclient: target.xclient ? client : undefined,
      envelope: {
        from: pathOf(mailFrom),
        // all octets that go out (RFC 1870)
        size: Buffer.byteLength(prefix) + message.size,
        eightBit: message.eightBit,
        utf8: message.utf8,
        envid,
        ret,
      },
      recipients: addressees.map(({ recipient, orcpt, notify }) => {
        return { path: pathOf(recipient), notify, orcpt: orcpt === '' ? undefined : orcpt }
      }),
    })
  }
}

function byDomain(addressees: readonly Addressee[]): Map<string, Addressee[]> {
  return groupBy(addressees, ({ recipient }) => recipient.host)
}

/** What stands between the brackets, the domain as A-labels. */
export function pathOf(address: HarakaAddress): string {
  return address.format(true).slice(1, -1)
}
