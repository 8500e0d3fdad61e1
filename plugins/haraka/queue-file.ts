/**
 * The file of an entry in Haraka's queue: a length in four octets, the head as JSON, the message in
 * wire form. Haraka's own writer is not used, since an entry that could not be written whole may be
 * left in the queue by it.
 */
import { open, type FileHandle } from 'node:fs/promises'

import { kept, type Octets } from '../mail/message.js'
import type { QueueTodo } from './outbound.js'

// a head of more is no head
const longestHead = 16 * 1024 * 1024

// octets; of a larger message a write more does not count
const smallMessage = 65_536

export interface NewFile {
  readonly path: string
  /** of `headOf` */
  readonly head: Buffer
}

/** What stands in front of the message. */
export function headOf(todo: QueueTodo): Buffer {
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const head = Buffer.alloc(4 + json.length)
  head.writeUInt32BE(json.length)
  json.copy(head, 4)
  return head
}

/**
 * Writes and syncs files with heads of their own and the message in common, which is read once. Answers
 * the message if it is a small one: most are, and each of their files is written at once.
 */
export async function writeQueueFiles(
  files: readonly NewFile[],
  message: Octets,
): Promise<Buffer | undefined> {
  const opened: OpenedFile[] = []
  try {
    for (const { path, head } of files) {
      opened.push({ head, handle: await open(path, 'wx', 0o600) })
    }
    const small = await writeContents(opened, message)
    await Promise.all(opened.map(({ handle }) => handle.sync()))
    return small
  } finally {
    await Promise.all(opened.map(({ handle }) => handle.close()))
  }
}

interface OpenedFile {
  readonly head: Buffer
  readonly handle: FileHandle
}

async function writeContents(
  opened: readonly OpenedFile[],
  message: Octets,
): Promise<Buffer | undefined> {
  const begin = (octets: readonly Buffer[]): Promise<unknown> =>
    Promise.all(
      opened.map(({ head, handle }) => handle.appendFile(Buffer.concat([head, ...octets]))),
    )
  let held: Buffer[] | undefined = []
  let size = 0
  for await (const chunk of message.pieces ?? message.octets()) {
    size += chunk.length
    if (!held) await Promise.all(opened.map(({ handle }) => handle.appendFile(chunk)))
    else {
      held.push(kept(message, chunk))
      if (size <= smallMessage) continue
      await begin(held)
      held = undefined
    }
  }
  if (!held) return undefined
  await begin(held)
  return Buffer.concat(held)
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
