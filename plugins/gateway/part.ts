/**
 * What the three plugins have in common: how a part registers, how a decision becomes an answer to
 * RCPT, and how recipients are rewritten before DATA.
 */
import { ConfigError } from '../config/settings.js'
import { replyTo } from '../decision/decision-record.js'
import type { HarakaAddress, HarakaConnection, HarakaPlugin } from '../haraka/haraka.js'
import type { HookCall } from '../haraka/hook.js'
import type { NextSystems, Part } from '../decision/configuration.js'
import { Pack } from './pack.js'
import { recipientsOf, rewriteRecipients, type Recipient } from './recipients.js'
import { accept, carryOn, refuse, type HookAnswer } from '../haraka/replies.js'

/** A decision asks directories that have their own time-outs; this bounds all of them together. */
export const decisionSeconds = 25

// milliseconds; Haraka ends the process after 30 s
const closingPatience = 25_000

/** Enables the part. Throws after having logged every error: Haraka then does not start. */
export function registerPart(plugin: HarakaPlugin, part: Part, nextSystems?: NextSystems): Pack {
  try {
    const pack = Pack.of(plugin)
    pack.enable(part, nextSystems)
    plugin.lognotice(pack.describe(part))
    return pack
  } catch (error) {
    throw refuseStart(plugin, error)
  }
}

/** Logs what is wrong with the configuration; what it gives back, thrown, keeps Haraka from starting. */
export function refuseStart(plugin: HarakaPlugin, error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error
  for (const line of error.errors) plugin.logcrit(line)
  const stop = new Error(`${plugin.name} cannot start: its configuration is wrong, as told above`)
  // Haraka prints a stack; it would bury the lines that tell what is wrong
  stop.stack = stop.message
  return stop
}

export function answerRecipient({ original, decided }: Recipient): HookAnswer {
  const { decision } = decided
  const reply = replyTo(original.address, decision)
  return decision.accepted ? accept(reply) : refuse(reply)
}

/**
 * Hook rcpt_ok: another plugin may have accepted the recipient. What was decided at RCPT already is
 * not decided again; an accepted one goes on to the next plugin.
 */
export function decideAccepted({
  plugin,
  connection,
  params,
}: HookCall<HarakaAddress>): HookAnswer | Promise<HookAnswer> {
  const { transaction } = connection
  const known = transaction && recipientsOf(transaction).get(params)
  if (known) return answerUnlessAccepted(known)
  return Pack.of(plugin).decide(plugin, connection, [params]).then(answerUnlessAccepted)
}

function answerUnlessAccepted(recipient: Recipient | undefined): HookAnswer {
  return recipient && !recipient.decided.decision.accepted ? answerRecipient(recipient) : carryOn
}

/** Hook data: both plugins that may rewrite call this; the second finds nothing left to do. */
export function rewrite({ connection }: { connection: HarakaConnection }): HookAnswer {
  if (connection.transaction) rewriteRecipients(connection.transaction)
  return carryOn
}

/**
 * Hook shutdown: what clients have under way ends, then everything closes. Haraka does not wait for it, so
 * nothing may be rejected.
 */
export function closeAll(plugin: HarakaPlugin, ...parts: { close(): Promise<void> }[]): void {
  const pack = Pack.of(plugin)
  for (const part of [...parts, pack]) {
    pack.clients
      .gone(closingPatience)
      .then(() => part.close())
      .catch((error: unknown) => plugin.logerror(`closing failed: ${String(error)}`))
  }
}
