/**
 * Where mail goes that the gateway makes itself (reports): each recipient by the rules for any, at the
 * time of delivery. Nobody takes mail for it: refused. It could not be found out: later.
 */
import { errorText } from '../../basics/error-text.js'
import { groupBy } from '../../basics/group-by.js'
import type { QueueItem } from '../../haraka/outbound.js'
import { placeKey, type Place } from '../../mail/place.js'
import type { DeliverySetup } from '../setup.js'
import { makeReply } from '../smtp/smtp-reply.js'
import type { Addressee, Failure, Portion } from '../consignment.js'

export interface RoutedOwn {
  /** a place each, the recipients as its rules have rewritten them */
  readonly portions: readonly Portion[]
  readonly failed: readonly Failure[]
  /** for those without a place */
  readonly nowhere: Place
}

export async function routeOwn(
  setup: Pick<DeliverySetup, 'routeOwn'>,
  item: QueueItem,
  addressees: readonly Addressee[],
): Promise<RoutedOwn> {
  const routes = await Promise.all(addressees.map((addressee) => routeOne(setup, addressee)))
  const going = routes.filter((route) => 'place' in route)
  return {
    portions: [...groupBy(going, ({ place }) => placeKey(place)).values()].flatMap((group) => {
      const [first] = group
      const together = group.map(({ addressee }) => addressee)
      return first ? [{ place: first.place, addressees: together }] : []
    }),
    failed: routes.filter((route) => 'outcome' in route),
    nowhere: { kind: 'outbound', domain: item.todo.domain },
  }
}

async function routeOne(
  setup: Pick<DeliverySetup, 'routeOwn'>,
  addressee: Addressee,
): Promise<{ readonly addressee: Addressee; readonly place: Place } | Failure> {
  try {
    const route = await setup.routeOwn?.(addressee.recipient)
    if (route) {
      return { addressee: { ...addressee, recipient: route.recipient }, place: route.place }
    }
    const reply = makeReply(550, ['5.1.1 nobody takes mail for this address'])
    return { addressee, outcome: { kind: 'refused', reply, host: '' } }
  } catch (error) {
    return { addressee, outcome: { kind: 'unreachable', reason: errorText(error), host: '' } }
  }
}
