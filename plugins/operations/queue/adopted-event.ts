/**
 * The event of an entry that was taken over from another gateway. Its Message-ID and sender are in it,
 * since this gateway's journal has not seen the message come.
 */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'

import { readHeadOf } from '../../delivery/queue/queue-heads.js'
import type { MailEvent } from '../../mail/mail-event.js'
import { readHead } from '../../mail/message-head.js'
import { QueueReader } from './queue-reader.js'

// octets of the message's header that are looked through
const longestHeader = 65_536

/** `undefined`: the entry is gone already. Rejects if it cannot be read. */
export async function adoptedEvent(
  folder: string,
  name: string,
  by: string,
): Promise<MailEvent | undefined> {
  const entry = await new QueueReader(folder).entry(name)
  if (!entry) return undefined
  const { uuid, place, recipients, sender, unreadable } = entry
  const messageId = unreadable === undefined ? await messageIdIn(join(folder, name)) : ''
  return { kind: 'adopted', uuid, place, entry: name, recipients, by, sender, messageId }
}

async function messageIdIn(path: string): Promise<string> {
  const { length: start } = await readHeadOf(path)
  const octets = createReadStream(path, { start }) as AsyncIterable<Buffer>
  const header = (await readHead(octets, longestHeader)).toString('latin1')
  const field = /^message-id:((?:[^\r\n]|\r?\n[ \t])*)/imu.exec(header)?.[1] ?? ''
  return messageIdOf(field)
}

/** As it stands between the brackets, without what a sender put around it. */
export function messageIdOf(field: string): string {
  return (/<([^<>]*)>/u.exec(field)?.[1] ?? field).trim()
}
