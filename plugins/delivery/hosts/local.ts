/**
 * Reports to mailboxes that another plugin of this Haraka delivers: they are handed to this gateway's own
 * listener, and so go the way of any mail to such a mailbox, past every plugin that is enabled.
 *
 * What is handed over carries a token of its own (loop/tokens.ts), by which it is known when it comes in:
 * it is then no mail of a client that may relay, which Haraka would send by MX, to this gateway again or
 * away. So it is tried once at a time: a plugin delivers it, or the answer is no and it stays queued.
 */
import { mailboxHostSettings } from '../../decision/connectors-config.js'
import { wayTo } from '../../loop/tokens.js'
import { placeKey, type Place } from '../../mail/place.js'
import type { Listeners } from '../setup.js'
import { TargetError } from './endpoints.js'
import type { Target } from './target.js'

const place: Place = { kind: 'local' }

/** What the tokens of such a report call its way. */
export const localWay = wayTo(place, [])

/** Throws TargetError if the gateway listens nowhere that takes it. */
export function localTarget(listeners: Listeners): Target {
  if (listeners.length === 0) {
    throw new TargetError('this gateway listens on no port that takes mail of other systems')
  }
  const { maxSessions, maxRecipients } = mailboxHostSettings
  return {
    place: placeKey(place),
    endpoints: listeners.map((destination) => {
      return { protocol: 'smtp', destination, names: [destination.host] }
    }),
    backups: [],
    maxSessions,
    maxRecipients,
    tls: 'none',
    direct: false,
    xclient: false,
    chunking: false,
    way: localWay,
  }
}
