/**
 * What deliveries teach beyond their messages: somebody of a domain exists at a connector's host, so
 * that its refusals can be believed (verify/belief.ts); and a host refuses this gateway and not a
 * recipient, which an administrator has to hear with what to do (RFC 5321 has no code for that).
 *
 * Such a line is written once an hour for each place and remedy, however many messages are refused.
 */
import { LRUCache } from 'lru-cache'

import type { Observe } from '../mail/mail-event.js'
import { remedyFor } from './smtp/advice.js'
import { judgeReply } from './smtp/judge.js'
import { makeReply } from './smtp/smtp-reply.js'

const hour = 3_600_000

export interface LessonsParts {
  readonly sawTaken: (connector: string, recipient: string) => void
  readonly log: { error(text: string): void }
}

export function lessonsOf({ sawTaken, log }: LessonsParts): Observe {
  const told = new LRUCache<string, true>({ max: 1000, ttl: hour })
  return (event) => {
    if (event.kind === 'delivered' && event.place.startsWith('connector:')) {
      sawTaken(event.place.slice('connector:'.length), event.recipient)
    }
    if (event.kind !== 'refused' && event.kind !== 'deferred') return
    const remedy = remedyOf(event)
    const key = `${event.place} ${remedy}`
    if (remedy === '' || told.has(key)) return
    told.set(key, true)
    log.error(
      `delivery to ${event.place}: ${event.host} refuses this gateway, not the recipient: ` +
        `${event.reply}; what to do: ${remedy}`,
    )
  }
}

/** Empty: the host's words are about something else, or there was no host. */
function remedyOf({
  host,
  reply: text,
}: {
  readonly host: string
  readonly reply: string
}): string {
  const [, code = '', words = ''] = /^([45]\d\d) ?(.*)$/su.exec(text) ?? []
  if (host === '' || code === '') return ''
  const reply = makeReply(Number(code), [words])
  return judgeReply(reply, 'dot') === 'us' ? remedyFor(reply) : ''
}
