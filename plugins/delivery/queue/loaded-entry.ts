/**
 * An entry that Haraka's queue has brought up: read into delivery's own words, and given back to Haraka in
 * one of two ways, ended or waiting for its time.
 */
import type { HarakaAddress } from '../../haraka/haraka.js'
import type { QueueItem } from '../../haraka/outbound.js'
import type { Addressee, Consignment, Failure } from '../consignment.js'
import { isTemporary, outcomeText, type Outcome } from '../outcome.js'
import { orcptOf } from '../smtp/dsn-parameters.js'
import { entryMessage } from './entry-message.js'
import type { EntryNotes } from './queue-notes.js'

export interface LoadedEntry {
  readonly item: QueueItem
  readonly notes: EntryNotes
  readonly consignment: Consignment
  readonly addressees: readonly Addressee[]
}

export function loadEntry(item: QueueItem, notes: EntryNotes): LoadedEntry {
  const addressees = item.todo.rcpt_to.map((recipient) => addresseeOf(recipient, notes))
  return { item, notes, consignment: consign(item, notes), addressees }
}

/** Nobody of the entry is still to get it: tells Haraka who has it. */
export function endEntry(item: QueueItem, outcomes: readonly Outcome[]): void {
  const recipients = item.todo.rcpt_to
  const [yes] = outcomes.filter(({ kind }) => kind === 'delivered')
  if (!yes) {
    item.discard()
    return
  }
  const of = (kind: Outcome['kind']): HarakaAddress[] =>
    recipients.filter((_, index) => outcomes[index]?.kind === kind)
  const [, name = yes.host, ip = '', port = ''] = /^(.*)\[(.*)\]:(\d+)$/u.exec(yes.host) ?? []
  const [accepted, refused] = [of('delivered'), of('refused')]
  const words = outcomeText(yes)
  item.delivered(ip, Number(port), 'SMTP', name || ip, words, accepted, [], refused, false, false)
}

/** Who is at an end, and who is still to get it. */
export function sortOutcomes(
  addressees: readonly Addressee[],
  outcomes: readonly Outcome[],
  expired: boolean,
): { readonly failures: readonly Failure[]; readonly open: readonly Failure[] } {
  const all = addressees.map((addressee, index): Failure => {
    const outcome = outcomes[index] ?? { kind: 'not-asked', reason: 'not tried', host: '' }
    return { addressee, outcome }
  })
  const isOver = ({ outcome }: Failure): boolean =>
    outcome.kind === 'refused' || (expired && isTemporary(outcome) && outcome.kind !== 'held')
  return {
    failures: all.filter(isOver),
    open: all.filter((one) => isTemporary(one.outcome) && !isOver(one)),
  }
}

/** An attempt has failed; the entry comes again after that time, which stands in its file's name. */
export function later(item: QueueItem, reason: string, milliseconds: number): void {
  // Haraka counts attempts and would bounce after its last interval: here time decides
  item.num_failures = Math.min(item.num_failures, item.cfg.temp_fail_intervals.length - 1)
  item.temp_fail(reason, { delay: milliseconds / 1000 })
}

function consign(item: QueueItem, notes: EntryNotes): Consignment {
  const { uuid, mail_from: mailFrom, queue_time: since } = item.todo
  const { lists, client, envid, ret } = notes
  return { uuid, mailFrom, message: entryMessage(item, notes), since, lists, client, envid, ret }
}

function addresseeOf(recipient: HarakaAddress, notes: EntryNotes): Addressee {
  const { address } = recipient
  const known = notes.recipients[address]
  return {
    recipient,
    original: known?.original ?? address,
    orcpt: known?.orcpt ?? orcptOf(undefined, address),
    ...(known?.notify !== undefined && { notify: known.notify }),
  }
}
