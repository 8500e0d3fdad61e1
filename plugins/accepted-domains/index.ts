/**
 * accepted-domains: decides each recipient — local, shared, relay or refused — when the client says
 * RCPT. The decision itself is in decide.ts; here it becomes Haraka's answer.
 */
import type { EsmtpParameters, HarakaAddress, HarakaPlugin } from '../haraka/haraka.js'
import { hook } from '../haraka/hook.js'
import { harvestReply } from '../gateway/harvest.js'
import { Pack } from '../gateway/pack.js'
import {
  answerRecipient,
  closeAll,
  decisionSeconds,
  registerPart,
  rewrite,
} from '../gateway/part.js'
import { enableOperations, Operations } from '../operations/operations.js'
import { carryOn, close } from '../haraka/replies.js'

export function register(this: HarakaPlugin): void {
  registerPart(this, 'accepted-domains')
  enableOperations(this)
  this.register_hook('rcpt', 'decideRecipient')
  this.register_hook('data', 'rewriteRecipients')
}

export const decideRecipient = hook<[HarakaAddress, EsmtpParameters]>(
  'rcpt',
  decisionSeconds,
  async ({ plugin, connection, params }) => {
    const pack = Pack.of(plugin)
    if (pack.endsHarvest(connection)) {
      connection.lognotice(`${harvestReply.text}; it is ended`, plugin)
      return close(harvestReply)
    }
    const recipient = await pack.decide(plugin, connection, params)
    if (!recipient) return carryOn
    await pack.slowHarvest(connection, recipient)
    return answerRecipient(recipient)
  },
)

export const rewriteRecipients = hook('data', decisionSeconds, rewrite)

export function shutdown(this: HarakaPlugin): void {
  closeAll(this, Operations.of(this))
}
