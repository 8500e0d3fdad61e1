/**
 * contacts: rewrites a recipient that is a contact of the directory to its targetAddress (article,
 * method 2). redirect.ts follows the contacts; here the recipients of a transaction are rewritten,
 * whichever rcpt plugin accepted them.
 */
import type { HarakaPlugin } from '../haraka/haraka.js'
import { hook } from '../haraka/hook.js'
import {
  closeAll,
  decideAccepted,
  decisionSeconds,
  registerPart,
  rewrite,
} from '../gateway/part.js'
import { enableOperations, Operations } from '../operations/operations.js'

export function register(this: HarakaPlugin): void {
  registerPart(this, 'contacts')
  enableOperations(this)
  this.register_hook('rcpt_ok', 'decideRecipient')
  this.register_hook('data', 'rewriteRecipients')
}

export const decideRecipient = hook('rcpt_ok', decisionSeconds, decideAccepted)

export const rewriteRecipients = hook('data', decisionSeconds, rewrite)

export function shutdown(this: HarakaPlugin): void {
  closeAll(this, Operations.of(this))
}
