/**
 * connectors: delivers through mailbox hosts and connectors, and detects loops. The hooks stand
 * here; the delivery of a message is ./delivery, the choice of a connector route.ts.
 *
 * From the queue on disk the same delivery is done by a `send_email` hook that runs last. It must
 * never answer late: Haraka would deliver by MX, which for a shared domain is this gateway. So the
 * plugin has no time-out of Haraka's, and every wait here has an end of its own.
 */
import type {
  EsmtpParameters,
  HarakaAddress,
  HarakaPlugin,
  HarakaTransaction,
  Next,
} from '../haraka/haraka.js'
import { returnCodes } from '../haraka/haraka.js'
import { thenSoon, type Soon } from '../basics/soon.js'
import { hook, type HookCall } from '../haraka/hook.js'
import type { QueueItem } from '../haraka/outbound.js'
import { Pack } from '../gateway/pack.js'
import { closeAll, decideAccepted, decisionSeconds, registerPart } from '../gateway/part.js'
import { accept, carryOn, refuse, type HookAnswer } from '../haraka/replies.js'
import { handOverSeconds } from '../delivery/deliverer.js'
import { bareCrReply, findBareCr, watchForBareCr } from '../haraka/bare-cr.js'
import { keepBody } from '../haraka/received-body.js'
import { ConnectorsPart } from '../gateway/connectors-part.js'
import { findLoops, loopReply } from '../loop/detection.js'
import { acceptedRecipients } from '../gateway/recipients.js'
import { needsOwnTransaction, routeRecipients } from '../gateway/hand-over.js'
import { placeKey } from '../mail/place.js'
import { enableOperations, Operations } from '../operations/operations.js'
import { loopEvent } from '../gateway/observers.js'
import type { Reply } from '../mail/reply.js'

const inspected = new WeakSet<HarakaTransaction>()
const mailParameters = new WeakMap<HarakaTransaction, EsmtpParameters>()

/** until Haraka's own delivery looks again whether a place is held back; a resume does not wait for it */
const pausedSeconds = '600'

const ownTransaction: Reply = {
  code: 450,
  enhanced: '4.5.3',
  text: 'goes another way than the recipients before it; send it in a transaction of its own',
}

const noRoom: Reply = { code: 452, enhanced: '4.3.1', text: 'no room to take mail now' }

const notByMx: Reply = {
  code: 450,
  enhanced: '4.3.5',
  text: 'no plugin takes it for a mailbox here',
}

export function register(this: HarakaPlugin): void {
  this.timeout = 0
  registerPart(this, 'connectors', ConnectorsPart.of(this).nextSystems)
  enableOperations(this)
  this.register_hook('init_master', 'refuseSelf')
  this.register_hook('mail', 'noteParameters')
  this.register_hook('rcpt_ok', 'decideRecipient')
  this.register_hook('data_post', 'inspectMessage')
  this.register_hook('queue', 'handOver')
  this.register_hook('queue_outbound', 'handOver')
  this.register_hook('send_email', 'deliverQueued', 100)
  this.register_hook('get_mx', 'keepFromMx', -100)
}

/** Haraka does not start with a smart host that is, by its name, this gateway itself. */
export const refuseSelf = hook('init_master', decisionSeconds, async ({ plugin }) => {
  const errors = await ConnectorsPart.of(plugin).checkNames(Pack.of(plugin).configuration)
  for (const line of errors) plugin.logcrit(line)
  const [first] = errors
  return first === undefined ? carryOn : refuse({ code: 550, enhanced: '5.3.5', text: first })
})

/** What the client asked for with MAIL (SMTPUTF8, BODY, RET …) is handed on with the message. */
export const noteParameters = hook<[HarakaAddress, EsmtpParameters]>(
  'mail',
  decisionSeconds,
  ({ plugin, connection, params }) => {
    const { transaction } = connection
    const { minFree } = Pack.of(plugin).connectors
    if (ConnectorsPart.of(plugin).deliverer.isDiskLow(minFree)) return refuse(noRoom)
    if (transaction) {
      mailParameters.set(transaction, params[1])
      watchForBareCr(transaction.message_stream)
      keepBody(transaction.message_stream)
    }
    return carryOn
  },
)

export const decideRecipient = hook<HarakaAddress>('rcpt_ok', decisionSeconds, (call) => {
  const together = (answer: HookAnswer): HookAnswer => {
    if (answer !== carryOn) return answer
    return needsOwnTransaction(call.connection, call.params) ? refuse(ownTransaction) : carryOn
  }
  return thenSoon(decideAccepted(call), together)
})

export const inspectMessage = hook('data_post', decisionSeconds, (call) =>
  thenSoon(inspect(call), (refused) => (refused ? refuse(refused) : carryOn)),
)

/**
 * What is wrong with the message as it came: a bare CR, or that it loops for all. A plugin that stands
 * above may end the hook `data_post` before it reaches us, so it is asked again before anything is
 * handed over.
 */
function inspect(call: HookCall<unknown>): Soon<Reply | undefined> {
  const { transaction } = call.connection
  if (!transaction || inspected.has(transaction)) return undefined
  return thenSoon(findBareCr(transaction), (hasBareCr) =>
    hasBareCr ? bareCrReply : inspectLoops(call, transaction),
  )
}

function inspectLoops(
  { plugin, connection }: HookCall<unknown>,
  transaction: HarakaTransaction,
): Soon<Reply | undefined> {
  const accepted = acceptedRecipients(transaction)
  const part = ConnectorsPart.of(plugin)
  // Haraka would send it by MX for a client that may relay; it is for the plugin that delivers here
  if (part.isOwnReport(transaction, accepted)) connection.relaying = false
  const { observers } = Pack.of(plugin)
  return thenSoon(findLoops(transaction, accepted, part.loopRules), (found) => {
    if ('refused' in found) {
      for (const one of accepted) observers.observe(loopEvent(transaction, one, found.refused))
      return found.refused
    }
    for (const recipient of found.looping) {
      recipient.refused = loopReply
      observers.observe(loopEvent(transaction, recipient, loopReply))
    }
    inspected.add(transaction)
    return undefined
  })
}

export const handOver = hook('queue', handOverSeconds, async (call) => {
  const { plugin, connection } = call
  const wasRelaying = connection.relaying
  const inspection = inspect(call)
  const refused = inspection instanceof Promise ? await inspection : inspection
  if (refused) return refuse(refused)
  // recognised too late: Haraka would send it by MX
  if (wasRelaying && !connection.relaying) return refuse(notByMx)
  const routed = await routeRecipients(plugin, connection, ConnectorsPart.of(plugin).loopRules)
  if (routed.length === 0) return carryOn
  const parameters = connection.transaction && mailParameters.get(connection.transaction)
  const { deliverer } = ConnectorsPart.of(plugin)
  const reply = await deliverer.handOver(connection, routed, parameters ?? {})
  return reply.code < 300 ? accept(reply) : refuse(reply)
})

/** Hook send_email: what is ours never goes on to Haraka's own delivery. */
export function deliverQueued(this: HarakaPlugin, next: Next, item: QueueItem): void {
  const forwarder = ConnectorsPart.of(this)
  if (forwarder.takes(item)) void forwarder.deliverer.deliverQueued(item)
  else if (Pack.of(this).paused(placeKey({ kind: 'outbound', domain: item.todo.domain }))) {
    next(returnCodes.delay, pausedSeconds)
  } else next()
}

/** Hook get_mx: the MX of a shared domain is this gateway; what is ours never goes there. */
export function keepFromMx(this: HarakaPlugin, next: Next, item: QueueItem): void {
  if (ConnectorsPart.of(this).deliverer.isOurs(item))
    next(returnCodes.denySoft, 'has a place of its own')
  else next()
}

export function shutdown(this: HarakaPlugin): void {
  closeAll(this, ConnectorsPart.of(this).deliverer, Operations.of(this))
}
