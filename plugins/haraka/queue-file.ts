/**
 * The file of an entry in Haraka's queue: a length in four octets, the head as JSON, the message in
 * wire form. Haraka's own writer is not used, since an entry that could not be written whole may be
 * left in the queue by it.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { eachChunk, kept, type Octets } from '../mail/message.js'
import type { QueueTodo } from './outbound.js'

// a head of more is no head
const longestHead = 16 * 1024 * 1024

// other systems have no such thing, or let the disk keep the octets back
const syncedWrites = process.platform === 'linux' ? constants.O_DSYNC : 0

// octets; of a larger message a write more does not count
const smallMessage = 131_072

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
 * the message if it is a small one: most are. Its files are written at once, each by a write that returns
 * when the octets are safe (O_DSYNC): what is asked of the system is asked once less.
 *
 * Rejects when one of them cannot be written; none is being written then any more.
 */
export async function writeQueueFiles(
  files: readonly NewFile[],
  message: Octets,
): Promise<Buffer | undefined> {
  const large = new LargeFiles(files)
  const begun: Buffer[] = []
  let size = 0
  try {
    await eachChunk(message, (chunk) => {
      size += chunk.length
      if (large.areOpen) return large.append(chunk)
      begun.push(kept(message, chunk))
      return size <= smallMessage ? undefined : large.begin(begun)
    })
    if (large.areOpen) {
      await large.sync()
      return undefined
    }
  } finally {
    await large.close()
  }
  const small = Buffer.concat(begun)
  await all(files.map(({ path, head }) => writeSafely(path, Buffer.concat([head, small]))))
  return small
}

async function writeSafely(path: string, octets: Buffer): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants
  const file = await open(path, O_CREAT | O_EXCL | O_WRONLY | syncedWrites, 0o600)
  try {
    await file.appendFile(octets)
    if (syncedWrites === 0) await file.sync()
  } finally {
    await file.close()
  }
}

/** Files that are written chunk by chunk. */
class LargeFiles {
  private readonly files: readonly NewFile[]
  private readonly opened: { readonly head: Buffer; readonly handle: FileHandle }[] = []

  constructor(files: readonly NewFile[]) {
    this.files = files
  }

  get areOpen(): boolean {
    return this.opened.length > 0
  }

  async begin(octets: readonly Buffer[]): Promise<void> {
    for (const { path, head } of this.files) {
      this.opened.push({ head, handle: await open(path, 'wx', 0o600) })
    }
    await all(
      this.opened.map(({ head, handle }) => handle.appendFile(Buffer.concat([head, ...octets]))),
    )
  }

  append(octets: Buffer): Promise<void> {
    return all(this.opened.map(({ handle }) => handle.appendFile(octets)))
  }

  sync(): Promise<void> {
    return all(this.opened.map(({ handle }) => handle.sync()))
  }

  close(): Promise<void> {
    return all(this.opened.map(({ handle }) => handle.close()))
  }
}

/** Settles when all have; rejects with the first that did. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(work)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
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
