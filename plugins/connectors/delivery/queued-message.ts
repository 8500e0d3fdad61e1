/** The message of a queue entry: the file from the end of its head on, which is in wire form. */
import { createReadStream } from 'node:fs'
import type { Writable } from 'node:stream'

import type { QueueItem } from '../../haraka/outbound.js'
import type { OutgoingMessage } from './message.js'
import type { EntryNotes } from './queue-notes.js'

export function queuedMessage(
  item: QueueItem,
  { eightBit, utf8 }: Pick<EntryNotes, 'eightBit' | 'utf8'>,
): OutgoingMessage {
  return {
    size: item.file_size - item.data_start,
    eightBit,
    utf8,
    pipe(destination) {
      pipeFile(item.path, item.data_start, destination)
    },
  }
}

function pipeFile(path: string, start: number, destination: Writable): void {
  const file = createReadStream(path, { start })
  file.once('error', (error) => destination.destroy(error))
  destination.once('close', () => file.destroy())
  file.pipe(destination)
}
