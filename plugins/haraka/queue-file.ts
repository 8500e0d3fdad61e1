/**
 * The file of an entry in Haraka's queue: a length in four octets, the head as JSON, the message in
 * wire form. Haraka's own writer is not used, since an entry that could not be written whole may be
 * left in the queue by it.
 */
import { open, type FileHandle } from 'node:fs/promises'

import type { Octets } from '../mail/message.js'
import type { QueueTodo } from './outbound.js'

// a head of more is no head
const longestHead = 16 * 1024 * 1024

export interface NewFile {
  readonly path: string
  readonly todo: QueueTodo
}

/** What stands in front of the message. */
export function headOf(todo: QueueTodo): Buffer {
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const head = Buffer.alloc(4 + json.length)
  head.writeUInt32BE(json.length)
  json.copy(head, 4)
  return head
}

/** Writes and syncs files with heads of their own and the message in common, which is read once. */
export async function writeQueueFiles(files: readonly NewFile[], message: Octets): Promise<void> {
  const handles: FileHandle[] = []
  try {
    for (const { path, todo } of files) {
      const handle = await open(path, 'wx', 0o600)
      handles.push(handle)
      await handle.appendFile(headOf(todo))
    }
    for await (const chunk of message.octets()) {
      await Promise.all(handles.map((handle) => handle.appendFile(chunk)))
    }
    await Promise.all(handles.map((handle) => handle.sync()))
  } finally {
    await Promise.all(handles.map((handle) => handle.close()))
  }
}

/** The head of a file as JSON has it: addresses are plain objects. Rejects when it cannot be read. */
export async function readQueueHead(path: string): Promise<Pick<QueueTodo, 'notes' | 'domain'>> {
  const file = await open(path, 'r')
  try {
    const length = Buffer.alloc(4)
    await file.read(length, 0, 4, 0)
    const size = length.readUInt32BE()
    if (size > longestHead)
      throw new Error(`expected the head of a queue entry, got ${size} octets`)
    const head = Buffer.alloc(size)
    const { bytesRead } = await file.read(head, 0, size, 4)
    return JSON.parse(head.toString('utf8', 0, bytesRead)) as QueueTodo
  } finally {
    await file.close()
  }
}
