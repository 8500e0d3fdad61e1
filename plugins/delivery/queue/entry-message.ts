/** The message of a queue entry: the file from the end of its head on, which is in wire form. */
import { open } from 'node:fs/promises'

import type { QueueItem } from '../../haraka/outbound.js'
import type { OutgoingMessage } from '../../mail/message.js'
import type { EntryNotes } from './queue-notes.js'

const chunkSize = 65_536

export function entryMessage(
  item: QueueItem,
  { eightBit, utf8 }: Pick<EntryNotes, 'eightBit' | 'utf8'>,
): OutgoingMessage {
  return {
    size: item.file_size - item.data_start,
    eightBit,
    utf8,
    octets: () => readFrom(item.path, item.data_start),
  }
}

/** One buffer for all chunks: a large message leaves no garbage of its size behind. */
async function* readFrom(path: string, start: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(chunkSize)
    for (let at = start; ;) {
      const { bytesRead } = await file.read(buffer, 0, chunkSize, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
