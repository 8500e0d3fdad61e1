/**
 * Hands a message to the hosts of a target, one after the other, until every recipient has a final
 * answer or the hosts or the time are used up. What is left is `deferred` with the last host's
 * words, or `unreachable`.
 *
 * Once a recipient is delivered the other hosts are asked no more for a client that waits
 * (`oneTransaction`): what is deferred goes to the queue instead. A host that is left alone for now
 * is skipped.
 */
import type { HostHealth } from './host-health.js'
import type { OutgoingMessage } from '../../mail/message.js'
import { isTemporary, type Outcome } from '../outcome.js'
import type { Envelope, EnvelopeRecipient } from '../smtp/envelope.js'
import { formatEndpoint, openSession, type Endpoint, type SessionOptions } from '../smtp/session.js'
import { BusyError, type SessionPool } from './session-pool.js'
import type { Timeouts } from '../smtp/timeouts.js'
import { sendMessage } from '../smtp/transaction.js'
import { HostError } from '../smtp/wire.js'
import type { Target } from './target.js'

export interface Shipment {
  readonly target: Target
  readonly envelope: Envelope
  readonly recipients: readonly EnvelopeRecipient[]
  readonly message: OutgoingMessage
  /** the loop field, with its line end */
  readonly prefix: string
  readonly timeouts: Timeouts
  /** milliseconds since 1970: the final dot is sent by then, or nothing */
  readonly until: number
  readonly xclient?: string
  readonly oneTransaction?: boolean
  /** all outcomes as they are before the message is sent; a rejection keeps it from being sent */
  readonly beforeMessage?: (outcomes: readonly Outcome[]) => Promise<void>
  readonly beforeDot?: () => void
}

export interface SenderParts {
  readonly pool: SessionPool
  readonly health: HostHealth
  readonly session: Pick<SessionOptions, 'gatewayName' | 'tlsOptions'>
}

export class PlaceSender {
  private readonly parts: SenderParts

  constructor(parts: SenderParts) {
    this.parts = parts
  }

  /** An outcome for each recipient. Rejects only with what `beforeMessage` or `beforeDot` threw. */
  async send(shipment: Shipment): Promise<Outcome[]> {
    const { target, recipients, until } = shipment
    const outcomes: Outcome[] = recipients.map(() => {
      return { kind: 'unreachable', reason: 'all hosts are left alone for now', host: '' }
    })
    for (const endpoint of target.endpoints) {
      const open = indices(outcomes, (outcome) => isOpen(outcome))
      if (open.length === 0 || Date.now() >= until) break
      if (shipment.oneTransaction && outcomes.some(({ kind }) => kind === 'delivered')) break
      const host = formatEndpoint(endpoint)
      const report = this.parts.health.claim(host)
      if (!report) continue
      let answered = false
      try {
        for (const batch of batches(open, target.maxRecipients)) {
          const answers = await this.sendBatch(shipment, endpoint, batch, outcomes)
          answered = true
          batch.forEach((index, at) => (outcomes[index] = answers[at] ?? noAnswer(host)))
          if (answers.some(({ kind }) => kind === 'uncertain')) break
        }
        report('well')
      } catch (error) {
        report(error instanceof HostError ? 'failed' : answered ? 'well' : 'neutral')
        if (!(error instanceof HostError || error instanceof BusyError)) throw error
        for (const index of open) {
          // a host's own words are worth more than the silence of the next
          const { kind } = outcomes[index] ?? noAnswer(host)
          if (kind === 'unreachable') {
            outcomes[index] = { kind: 'unreachable', reason: error.message, host }
          }
        }
      }
    }
    return outcomes
  }

  private async sendBatch(
    shipment: Shipment,
    endpoint: Endpoint,
    batch: readonly number[],
    outcomes: readonly Outcome[],
  ): Promise<Outcome[]> {
    const { envelope, message, prefix, timeouts, until, beforeMessage, beforeDot } = shipment
    const recipients = batch.flatMap((index) => shipment.recipients[index] ?? [])
    const { pool } = this.parts
    const key = sessionKey(endpoint, shipment)
    const patience = { until, urgent: shipment.oneTransaction === true }
    const open = () => openSession(endpoint, this.sessionOptions(shipment), until)
    for (;;) {
      let stale = false
      try {
        return await pool.use(key, open, patience, async (session, reused) => {
          stale = reused
          return sendMessage(session, envelope, recipients, message, {
            timeouts,
            until,
            prefix,
            ...(beforeDot && { beforeDot }),
            beforeMessage: async (answers) => {
              if (!beforeMessage) return
              const all = [...outcomes]
              batch.forEach((index, at) => (all[index] = answers[at] ?? noAnswer('')))
              await beforeMessage(all)
            },
          })
        })
      } catch (error) {
        // a session that was idle may have been closed by the host meanwhile: that is no failure
        if (!stale || !(error instanceof HostError) || error.phase !== 'MAIL') throw error
        pool.dropIdle(key)
      }
    }
  }

  private sessionOptions({ target, timeouts, xclient }: Shipment): SessionOptions {
    const { tls, credentials } = target
    return {
      ...this.parts.session,
      tls,
      timeouts,
      ...(credentials && { credentials }),
      ...(xclient !== undefined && { xclient }),
    }
  }
}

/** Sessions with the same key may carry each other's mail. */
export function sessionKey(
  endpoint: Endpoint,
  { target, xclient = '' }: { target: Target; xclient?: string },
): string {
  const { protocol, names } = endpoint
  const { tls, credentials } = target
  const login = credentials ? `${credentials.user}\0${credentials.password}` : ''
  return [protocol, formatEndpoint(endpoint), names.join(','), tls, login, xclient].join('\0')
}

/** Worth another host: not answered for good, and surely not delivered. */
function isOpen(outcome: Outcome): boolean {
  return isTemporary(outcome) && outcome.kind !== 'uncertain'
}

function noAnswer(host: string): Outcome {
  return { kind: 'unreachable', reason: 'no answer', host }
}

function indices<T>(list: readonly T[], test: (item: T) => boolean): number[] {
  return list.flatMap((item, index) => (test(item) ? [index] : []))
}

function batches<T>(list: readonly T[], size: number): T[][] {
  const result: T[][] = []
  for (let at = 0; at < list.length; at += size) result.push(list.slice(at, at + size))
  return result
}
