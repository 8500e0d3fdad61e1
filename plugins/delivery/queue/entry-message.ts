/**
 * The message of a queue entry: the file from the end of its head on, which is in wire form. A small
 * one that this process has just written is still in memory until its first attempt is over.
 */
import { open } from 'node:fs/promises'

import { LRUCache } from 'lru-cache'

import type { QueueItem } from '../../haraka/outbound.js'
import { inOnePiece, type OutgoingMessage } from '../../mail/message.js'
import type { EntryNotes } from './queue-notes.js'

const chunkSize = 65_536
// octets of all messages in memory; what finds no room is read from its file
const mostInMemory = 16_777_216

/** by the path of the entry; its message never changes */
const inMemory = new LRUCache<string, Buffer>({
  maxSize: mostInMemory,
  sizeCalculation: ({ length }) => Math.max(1, length),
})

/** Until `forget`, or until there is no room. */
export function keepInMemory(path: string, message: Buffer): void {
  inMemory.set(path, message)
}

export function forget(path: string): void {
  inMemory.delete(path)
}

export function entryMessage(
  item: QueueItem,
  { eightBit, utf8 }: Pick<EntryNotes, 'eightBit' | 'utf8'>,
): OutgoingMessage {
  const message = inMemory.get(item.path)
  return {
    size: item.file_size - item.data_start,
    eightBit,
    utf8,
    ...(message ? inOnePiece(message) : { octets: () => readFrom(item.path, item.data_start) }),
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
