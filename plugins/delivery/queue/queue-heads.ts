/**
 * Haraka's queue folder read from outside: the names of its files and the head of each. The message
 * behind the head is never read. Pure, but for `readHeadOf` and `readHeadNow`.
 *
 *   ARRIVAL_NEXT_ATTEMPTS_PID_UNIQUE_COUNTER_HOST    an entry; times in milliseconds since 1970
 *   error.…                                          kept for the administrator, not delivered
 *   __tmp__.…                                        being written
 *
 * A file: the length of a JSON text in four octets, the text, the message (Haraka 3.3 outbound).
 */
import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'

export interface QueueFileName {
  readonly name: string
  /** `error.*`: nobody delivers it */
  readonly kept: boolean
  readonly arrival: number
  readonly nextAttempt: number
  readonly attempts: number
  readonly pid: number
  /** makes the name the only one of its kind */
  readonly unique: string
  readonly counter: string
  /** the host that wrote it */
  readonly host: string
}

/** What a head says, as far as it can be read. */
export interface QueueHead {
  readonly uuid: string
  /** milliseconds since 1970 */
  readonly queueTime: number
  readonly domain: string
  /** empty: the null sender */
  readonly sender: string
  readonly recipients: readonly string[]
  readonly notes: Readonly<Record<string, unknown>>
  /** octets before the message */
  readonly length: number
  /** the sender as Haraka wrote it */
  readonly written: { readonly mail_from?: WrittenAddress }
}

const keptPrefix = 'error.'
// more recipients than anybody sends; a length beyond it is no head
const longestHead = 64 * 1024 * 1024
const firstRead = 8192

/** `undefined`: not an entry (being written, or not Haraka's). */
export function parseQueueFileName(name: string): QueueFileName | undefined {
  if (name.includes('/')) return undefined
  const kept = name.startsWith(keptPrefix)
  // what stands between `error.` and the entry's own name is ours (adoption), and has no underscore
  const own = kept ? name.slice(keptPrefix.length).replace(/^[a-z]+\./u, '') : name
  const parts = own.split('_')
  // Haraka writes a time with decimals where a delay has them, and reads whole numbers
  const [arrival, nextAttempt, attempts, pid] = parts.slice(0, 4).map((part) => {
    return /^\d+(\.\d+)?$/u.test(part) ? Math.floor(Number(part)) : Number.NaN
  })
  const whole =
    parts.length === 7 && [arrival, nextAttempt, attempts, pid].every(Number.isSafeInteger)
  if (!whole) return kept ? keptOf(name) : undefined
  return {
    name,
    kept,
    arrival: arrival ?? 0,
    nextAttempt: nextAttempt ?? 0,
    attempts: attempts ?? 0,
    pid: pid ?? 0,
    unique: parts[4] ?? '',
    counter: parts[5] ?? '',
    host: unescapeHost(parts[6] ?? ''),
  }
}

/** Somebody's error file with another name: it is shown all the same. */
function keptOf(name: string): QueueFileName {
  const unknown = { arrival: 0, nextAttempt: 0, attempts: 0, pid: 0, unique: '', counter: '' }
  return { name, kept: true, ...unknown, host: '' }
}

/** The name of an entry with these parts. */
export function queueFileName(parts: Omit<QueueFileName, 'name' | 'kept'>): string {
  const { arrival, nextAttempt, attempts, pid, unique, counter, host } = parts
  return [arrival, nextAttempt, attempts, pid, unique, counter, escapeHost(host)].join('_')
}

/** A host name stands in a file name without `_`, `:` and `\` (Haraka's qfile.hostname). */
function escapeHost(host: string): string {
  return host.replace(/\\/gu, '\\057').replace(/:/gu, '\\072').replace(/_/gu, '\\137')
}

function unescapeHost(text: string): string {
  return text.replaceAll('\\137', '_').replaceAll('\\072', ':').replaceAll('\\057', '\\')
}

/** Reads the head alone. Rejects if the file is gone or is no queue file. */
export async function readHeadOf(path: string): Promise<QueueHead> {
  const file = await open(path, 'r')
  try {
    const start = Buffer.alloc(firstRead)
    const { bytesRead } = await file.read(start, 0, firstRead, 0)
    const length = headLength(start, bytesRead)
    if (length + 4 <= bytesRead) return parseHead(start.toString('utf8', 4, length + 4))
    const whole = Buffer.alloc(length)
    start.copy(whole, 0, 4, bytesRead)
    for (let have = bytesRead - 4; have < length;) {
      const more = await file.read(whole, have, length - have, have + 4)
      if (more.bytesRead === 0) throw new Error(cutOff)
      have += more.bytesRead
    }
    return parseHead(whole.toString('utf8'))
  } finally {
    await file.close()
  }
}

const once = Buffer.alloc(firstRead)

/** The same at once, with the file open: many times quicker, for a program that does nothing else. */
export function readHeadNow(file: number): QueueHead {
  const bytesRead = readSync(file, once, 0, firstRead, 0)
  const length = headLength(once, bytesRead)
  if (length + 4 <= bytesRead) return parseHead(once.toString('utf8', 4, length + 4))
  const whole = Buffer.alloc(length)
  for (let have = 0; have < length;) {
    const more = readSync(file, whole, have, length - have, have + 4)
    if (more === 0) throw new Error(cutOff)
    have += more
  }
  return parseHead(whole.toString('utf8'))
}

const cutOff = 'expected a whole queue file, got one cut off'

function headLength(start: Buffer, bytesRead: number): number {
  if (bytesRead < 4) throw new Error('expected a queue file, got one that is too short')
  const length = start.readUInt32BE(0)
  if (length > longestHead) throw new Error('expected a queue file, got something else')
  return length
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export interface WrittenAddress {
  readonly original?: string
  readonly user?: string | null
  readonly host?: string | null
}

/** Throws if it is no head. */
export function parseHead(json: string): QueueHead {
  const todo = JSON.parse(json) as Record<string, unknown>
  const recipients = Array.isArray(todo['rcpt_to']) ? (todo['rcpt_to'] as WrittenAddress[]) : []
  return {
    uuid: textOf(todo['uuid']),
    queueTime: Number(todo['queue_time'] ?? 0),
    domain: textOf(todo['domain']),
    sender: addressText(todo['mail_from'] as WrittenAddress | undefined),
    recipients: recipients.map(addressText),
    notes: (todo['notes'] ?? {}) as Record<string, unknown>,
    length: 4 + Buffer.byteLength(json),
    written: todo,
  }
}

/** As Haraka's address class has it under `address`. */
function addressText(written: WrittenAddress | undefined): string {
  const { original, user, host } = written ?? {}
  if (typeof original === 'string') return original.replace(/^<(.*)>$/su, '$1')
  return user === undefined || user === null ? '' : host ? `${user}@${host}` : user
}
