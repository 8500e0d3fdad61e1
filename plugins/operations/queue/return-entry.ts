/**
 * Gives an entry back to its sender because an administrator says so: its file becomes the report, in
 * one step. The same whether the gateway that has it does it, or a command while none runs; the entry
 * must not be on its way to a host.
 */
import { giveBack } from '../../delivery/queue/give-back.js'
import type { MailEvent } from '../../mail/mail-event.js'
import type { QueueEntry } from './queue-reader.js'

/** Throws if nobody is there to be told. */
export function assertReturnable({ kept, sender }: QueueEntry): void {
  if (kept) throw new Error('nobody can be told of it: that is why it was kept')
  if (sender === '') {
    throw new Error('its sender is <>: nobody is there to be told; `queue drop` removes it')
  }
}

export interface ReturnedEntry {
  /** the report's file; absent: its sender wants none */
  readonly report?: string
  /** what is to be told of the report */
  readonly events: readonly MailEvent[]
}

/** Rejects with the entry untouched if the disk refuses. `gateway`: its name, for the report. */
export async function returnEntry(
  folder: string,
  { name, uuid, sender, recipients }: QueueEntry,
  gateway: string,
): Promise<ReturnedEntry> {
  const { report } = await giveBack(folder, name, {
    gatewayName: gateway,
    reason: 'returned by the administrator before it could be delivered',
  })
  if (report === undefined) return { events: [] }
  const about = { uuid, entry: report, recipients }
  return { report, events: [{ kind: 'reported', action: 'failed', to: sender, ...about }] }
}
