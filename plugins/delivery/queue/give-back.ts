/**
 * Gives a queue entry up before its time: its file becomes the report to the sender, in one step, so
 * that whenever this is interrupted there is either the message or the report, and never both. A report
 * that is interrupted before it has its own name waits as long as the message would have.
 *
 * Recipients whose sender wants no report (NOTIFY) are left out; if that is all of them, the entry
 * is only removed. Rejects with the entry untouched if the disk refuses.
 */
import { createReadStream } from 'node:fs'
import { chown, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readHead } from '../../mail/message-head.js'
import { fromXtext, wantsFailure } from '../smtp/dsn-parameters.js'
import { makeReply } from '../smtp/smtp-reply.js'
import { syncFolder } from '../../basics/sync-folder.js'
import { composeDsn, longestHeader, type FailedRecipient } from './dsn.js'
import { parseQueueFileName, queueFileName, readHeadOf, type QueueHead } from './queue-heads.js'
import { toQueueNotes, undecidedNotes, type EntryNotes } from './queue-notes.js'

export interface GivenBack {
  /** the report's file; absent: nobody wants one */
  readonly report?: string
}

/** `reason`: what the report says, one line. The entry must not be on its way to a host. */
export async function giveBack(
  folder: string,
  name: string,
  { gatewayName, reason }: { readonly gatewayName: string; readonly reason: string },
): Promise<GivenBack> {
  const path = join(folder, name)
  const file = parseQueueFileName(name)
  if (!file || file.kept) throw new Error(`expected an entry of the queue, got ${name}`)
  const head = await readHeadOf(path)
  const failed = failedOf(head, reason)
  if (failed.length === 0) {
    await unlink(path)
    return {}
  }
  const now = Date.now()
  const contents = await composeDsn({
    gatewayName,
    sender: head.sender,
    id: `${head.uuid}.${now}`,
    envid: envidOf(head),
    arrival: new Date(head.queueTime),
    now: new Date(now),
    failed,
    header: await headerOf(path, head),
  })
  const report = queueFileName({
    ...file,
    arrival: now,
    nextAttempt: now,
    attempts: 0,
    pid: process.pid,
  })
  const draft = join(folder, `__tmp__.${report}`)
  try {
    await writeFile(draft, Buffer.concat([reportHead(head, now), dotStuffed(contents)]), {
      flag: 'wx',
      mode: 0o600,
      flush: true,
    })
    await keepOwner(draft, path)
    // from here on it is the report
    await rename(draft, path)
  } catch (error) {
    await unlink(draft).catch(() => undefined)
    throw error
  }
  await rename(path, join(folder, report))
  await syncFolder(folder)
  return { report }
}

/** What root writes, Haraka's user has to read: whose the entry was, the report is. */
async function keepOwner(draft: string, entry: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(entry)
  await chown(draft, uid, gid)
}

function notesOf({ notes }: QueueHead): Partial<EntryNotes> {
  const own = notes['address_space']
  return typeof own === 'object' && own !== null ? own : {}
}

function failedOf(head: QueueHead, reason: string): FailedRecipient[] {
  const { recipients } = notesOf(head)
  const reply = makeReply(550, [`5.0.0 ${reason}`])
  return head.recipients.flatMap((address): FailedRecipient[] => {
    const known = recipients?.[address]
    if (!wantsFailure(known?.notify)) return []
    const original = known?.orcpt ? fromXtext(known.orcpt) : (known?.original ?? address)
    return [{ address, original, outcome: { kind: 'refused', reply, host: '' } }]
  })
}

function envidOf(head: QueueHead): string | undefined {
  const { envid } = notesOf(head)
  return envid === undefined ? undefined : fromXtext(envid)
}

async function headerOf(path: string, { length }: QueueHead): Promise<Buffer> {
  const octets = createReadStream(path, { start: length }) as AsyncIterable<Buffer>
  return readHead(octets, longestHeader)
}

/** What stands in front of a report in a queue file; where it goes is decided when it is delivered. */
function reportHead({ uuid, sender, written }: QueueHead, now: number): Buffer {
  const nobody = { original: '<>', original_host: '', host: '', user: '' }
  const todo = {
    queue_time: now,
    domain: written.mail_from?.host ?? '',
    rcpt_to: [written.mail_from],
    mail_from: nobody,
    notes: toQueueNotes(undecidedNotes([sender])),
    uuid: `${uuid}.1`,
    force_tls: false,
  }
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(json.length)
  return Buffer.concat([head, json])
}

function dotStuffed(contents: Buffer): Buffer {
  const text = contents.toString('latin1').replace(/\r?\n/gu, '\r\n')
  return Buffer.from(text.replace(/^\./gmu, '..'), 'latin1')
}
