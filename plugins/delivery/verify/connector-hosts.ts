/**
 * The hosts of a connector, to be asked about recipients: found as delivery finds them, over sessions
 * within the host's bound that carry questions only. A host counts the refusals in a session and
 * closes it when there are many (Postfix: 20), which must not hit a message. Half of the sessions at
 * a time may be for questions, one at least.
 *
 * A question that met a closed session is asked once more, on a fresh one.
 */
import { errorText } from '../../basics/error-text.js'
import { identityOf, loginOf } from '../hosts/target-login.js'
import { hostKey, NoSessionError, OpeningError } from '../hosts/lease.js'
import type { Sessions } from '../hosts/sessions.js'
import type { Target, TargetFinder } from '../hosts/target.js'
import {
  formatEndpoint,
  openSession,
  type Endpoint,
  type Session,
  type SessionOptions,
} from '../smtp/session.js'
import { directTimeouts } from '../smtp/timeouts.js'
import { HostError } from '../smtp/wire.js'
import { inquire, NotAskedError, type Answered } from './question.js'
import { NoTurnError, Turns } from './turns.js'
import type { AskedHost, FindHosts } from './verifier.js'

export interface HostParts {
  readonly finder: TargetFinder
  readonly sessions: Sessions
  readonly session: Pick<SessionOptions, 'gatewayName' | 'tlsOptions'>
}

export function connectorHosts(parts: HostParts): FindHosts {
  const turns = new Turns()
  return async (connector, domain) => {
    const target = await parts.finder.find({ kind: 'connector', connector }, domain)
    return target.endpoints.map((endpoint) => askedHost(endpoint, target, parts, turns))
  }
}

function askedHost(endpoint: Endpoint, target: Target, parts: HostParts, turns: Turns): AskedHost {
  const key = hostKey(endpoint)
  const most = (): number => {
    const limit = parts.sessions.state(key).limit || target.maxSessions
    return Math.max(1, Math.floor(limit / 2))
  }
  return {
    name: formatEndpoint(endpoint),
    ask: async (recipients, patience) => {
      try {
        return await turns.run(key, most, patience, () =>
          askOver(parts, { ...patience, endpoint, target, recipients }),
        )
      } catch (error) {
        const expected = [HostError, NoSessionError, OpeningError, NoTurnError]
        if (!expected.some((kind) => error instanceof kind)) throw error
        throw new NotAskedError(errorText(error))
      }
    },
  }
}

interface Asking {
  readonly endpoint: Endpoint
  readonly target: Target
  readonly recipients: readonly string[]
  readonly until: number
  readonly begun?: () => void
}

async function askOver(parts: HostParts, asking: Asking): Promise<Answered[]> {
  const { endpoint, target, recipients, until } = asking
  const lease = await parts.sessions.take({
    endpoints: [endpoint],
    identity: `questions ${identityOf(target)}`,
    login: loginOf(target),
    place: target.place,
    maxSessions: target.maxSessions,
    open: () => {
      asking.begun?.()
      return openFor(parts, asking)
    },
    patience: until,
    until,
  })
  asking.begun?.()
  let { session } = lease
  try {
    try {
      return await inquire(session, recipients, until)
    } catch (error) {
      if (!(error instanceof HostError) || !lease.reused || performance.now() >= until) throw error
    }
    session = await lease.renew()
    return await inquire(session, recipients, until)
  } catch (error) {
    session.wire.destroy()
    throw error
  } finally {
    lease.end()
  }
}

function openFor({ session }: HostParts, { endpoint, target, until }: Asking): Promise<Session> {
  const { tls, credentials, identity } = target
  const options = {
    ...session,
    tls,
    timeouts: directTimeouts,
    ...(identity && { identity }),
    ...(credentials && { credentials }),
  }
  return openSession(endpoint, options, until)
}
