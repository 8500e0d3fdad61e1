/**
 * Our replies as Haraka wants them: a haraka-dsn object carries code, enhanced code and text.
 *
 * Haraka answers a refused hook with 550 or 450 and takes only the text from the object, so a code
 * of the next host such as 552 reaches the client as 550 with its enhanced code and words.
 */
import DSN from 'haraka-dsn'

import type { Reply } from '../mail/reply.js'
import { returnCodes } from './haraka.js'

export interface HookAnswer {
  readonly code?: number
  readonly message?: DSN
}

/** Goes on with the next plugin. */
export const carryOn: HookAnswer = {}

export function accept(reply: Reply): HookAnswer {
  return { code: returnCodes.ok, message: dsn(reply) }
}

export function refuse(reply: Reply): HookAnswer {
  return {
    code: reply.code < 500 ? returnCodes.denySoft : returnCodes.deny,
    message: dsn(reply),
  }
}

/** Refuses for now and ends the connection; at RCPT the reply is sent as it is. */
export function close(reply: Reply): HookAnswer {
  return { code: returnCodes.denySoftDisconnect, message: dsn(reply) }
}

function dsn({ code, enhanced, text }: Reply): DSN {
  const [, subject, detail] = enhanced.split('.').map(Number)
  return DSN.create(code, text, subject, detail)
}
