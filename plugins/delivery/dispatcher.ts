/**
 * Sends a message to the recipients of one place, under the configuration of this moment. Used for
 * a client that waits and for the queue alike.
 */
import type { Log } from '../config/environment.js'
import type { HarakaAddress } from '../haraka/haraka.js'
import { placeKey, type Place } from '../mail/place.js'
import { logOutcomes } from './delivery-log.js'
import type { Outcome } from './outcome.js'
import type { PlaceSender, Shipment } from './hosts/place-sender.js'
import { groupBy } from '../basics/group-by.js'
import type { Addressee, Consignment } from './queue/queuer.js'
import type { DeliverySetup } from './setup.js'
import { TargetError, type Target, type TargetFinder } from './hosts/target.js'

export type DispatchOptions = Pick<
  Shipment,
  'timeouts' | 'until' | 'oneTransaction' | 'beforeMessage' | 'beforeDot'
> & {
  /** where to, if that was found out already */
  readonly target?: Target
}

export class Dispatcher {
  private readonly setup: DeliverySetup
  private readonly finder: TargetFinder
  private readonly sender: PlaceSender
  private readonly log: Log

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
    const outcomes = new Map<Addressee, Outcome>()
    for (const [domain, group] of this.groups(place, addressees)) {
      const answers = await this.sendGroup(consignment, place, domain, group, options)
      group.forEach((addressee, index) => {
        const answer = answers[index]
        if (answer) outcomes.set(addressee, answer)
      })
    }
    const result = addressees.map((addressee): Outcome => {
      return outcomes.get(addressee) ?? { kind: 'unreachable', reason: 'not tried', host: '' }
    })
    const names = addressees.map(({ recipient }) => recipient.address)
    logOutcomes(this.log, { ...consignment, place }, names, result)
    return result
  }

  /** The target, if a client may wait while the message goes there in one transaction. */
  async directTarget(place: Place, addressees: readonly Addressee[]): Promise<Target | undefined> {
    const [group, ...others] = this.groups(place, addressees)
    if (!group || others.length > 0) return undefined
    try {
      const target = await this.finder.find(place, group[0])
      return target.direct && addressees.length <= target.maxRecipients ? target : undefined
    } catch (error) {
      if (error instanceof TargetError) return undefined
      throw error
    }
  }

  private groups(
    place: Place,
    addressees: readonly Addressee[],
  ): Map<string, readonly Addressee[]> {
    if (this.finder.isByDomain(place)) return groupBy(addressees, ({ recipient }) => recipient.host)
    return new Map([[addressees[0]?.recipient.host ?? '', addressees]])
  }

  private async sendGroup(
    { mailFrom, message, lists, client, envid, ret }: Consignment,
    place: Place,
    domain: string,
    addressees: readonly Addressee[],
    options: DispatchOptions,
  ): Promise<Outcome[]> {
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
    const names = addressees.map(({ recipient }) => recipient.address)
    const prefix = this.setup.loopField(target.way, names, lists)
    return this.sender.send({
      ...options,
      target,
      message,
      ...(target.xclient && client !== undefined && { xclient: client }),
      prefix,
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
        return { path: pathOf(recipient), notify, ...(orcpt !== '' && { orcpt }) }
      }),
    })
  }
}

/** What stands between the brackets, the domain as A-labels. */
export function pathOf(address: HarakaAddress): string {
  return address.format(true).slice(1, -1)
}
