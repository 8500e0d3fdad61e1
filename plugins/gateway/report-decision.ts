/**
 * A decision as one line in the log and one entry in `transaction.results`. Other plugins read the
 * entry; people read the line.
 */
import { formatRecord, recordOf, type DecisionRecord } from '../decision/decision-record.js'
import type { HarakaConnection, HarakaPlugin } from '../haraka/haraka.js'
import type { Recipient } from './recipients.js'

export function reportDecision(
  plugin: HarakaPlugin,
  connection: HarakaConnection,
  { original, decided }: Recipient,
): DecisionRecord {
  const record = recordOf(original.address, decided)
  connection.lognotice(formatRecord(record), plugin)
  connection.transaction?.results.push(plugin, { decisions: record })
  return record
}
