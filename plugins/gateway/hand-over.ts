/**
 * The recipients of a message as delivery takes them, each with its place.
 *
 * A message is either ours or the next queue plugin's: what is decided to be left to that plugin
 * cannot share a transaction with what is not, and is asked to come alone (450 4.5.3).
 */
import type { HarakaAddress, HarakaConnection, HarakaPlugin } from '../haraka/haraka.js'
import { loopEvent } from './observers.js'
import { Pack } from './pack.js'
import { acceptedRecipients, recipientAt, recipientsOf, type Recipient } from './recipients.js'
import { loopingOf, loopReply, type LoopRules } from '../loop/detection.js'
import type { Place } from '../mail/place.js'
import type { RoutedRecipient } from '../delivery/consignment.js'
import { notifyOf, orcptOf } from '../delivery/smtp/dsn-parameters.js'

const isLeft = ({ decided: { decision } }: Recipient): boolean =>
  decision.accepted && decision.destination.kind === 'left'

/** Whether the recipient just decided needs another queue plugin than those before it. */
export function needsOwnTransaction(connection: HarakaConnection, address: HarakaAddress): boolean {
  const { transaction } = connection
  const recipient = transaction && recipientsOf(transaction).get(address)
  if (!transaction || !recipient) return false
  const left = isLeft(recipient)
  return acceptedRecipients(transaction).some((other) => isLeft(other) !== left)
}

/**
 * Every recipient with its place; none if the whole message is the next queue plugin's. A recipient
 * that another plugin added after RCPT is decided now; its refusal, as that of one who loops, is
 * reported to the sender, unless it is temporary: then the message comes again.
 */
export async function routeRecipients(
  plugin: HarakaPlugin,
  connection: HarakaConnection,
  loopRules: LoopRules,
): Promise<RoutedRecipient[]> {
  const { transaction } = connection
  if (!transaction) return []
  const routed: RoutedRecipient[] = []
  for (const address of transaction.rcpt_to) {
    const recipient = recipientAt(transaction, address) ?? (await decideLate(address))
    const one = recipient && route(recipient)
    if (one) routed.push(one)
  }
  if (routed.length > 0 && routed.length < transaction.rcpt_to.length) {
    throw new Error('recipients of other queue plugins were added to this message')
  }
  return routed

  /** Detection, after DATA, did not know of it. */
  async function decideLate(address: HarakaAddress): Promise<Recipient | undefined> {
    const recipient = await Pack.of(plugin).decide(plugin, connection, [address])
    if (!recipient || !transaction) return recipient
    const looping = await loopingOf(transaction, [recipient], loopRules)
    if (looping.has(recipient)) {
      recipient.refused = loopReply
      Pack.of(plugin).observers.observe(loopEvent(transaction, recipient, loopReply))
    }
    return recipient
  }
}

function route(recipient: Recipient): RoutedRecipient | undefined {
  const { original, target, identity, parameters, refused } = recipient
  const { decision } = recipient.decided
  const notify = notifyOf(parameters['NOTIFY'])
  const common = {
    recipient: target,
    identity,
    original: original.address,
    orcpt: orcptOf(parameters['ORCPT'], original.address),
    ...(notify !== undefined && { notify }),
  }
  const nowhere: Place = { kind: 'outbound', domain: target.host }
  if (!decision.accepted) return { ...common, place: nowhere, refused: decision.reply }
  if (decision.destination.kind === 'left') return undefined
  return { ...common, place: decision.destination, ...(refused && { refused }) }
}
