/**
 * The members of Haraka's outbound that the pack uses, as types: the queue on disk, its clock, its
 * bounces. Checked against the installed Haraka by the same contract test as haraka.ts.
 *
 * Haraka 3.3: outbound/index.js, queue.js, qfile.js, hmail.js.
 */
import type { HarakaAddress } from './haraka.js'

/** What the pack keeps with a queue entry, under `notes.address_space`. */
export type QueueNotes = Record<string, unknown>

/** The head of a queue entry. */
export interface QueueTodo {
  /** milliseconds since 1970 */
  queue_time: number
  domain: string
  rcpt_to: HarakaAddress[]
  mail_from: HarakaAddress
  notes: QueueNotes
  uuid: string
  force_tls?: boolean
}

/** An entry of the queue on its way out (hook `send_email` gets it). */
export interface QueueItem {
  readonly todo: QueueTodo
  readonly filename: string
  readonly path: string
  /** attempts that failed */
  num_failures: number
  /** octets of the file; the message begins at `data_start` */
  file_size: number
  data_start: number
  readonly cfg: {
    /** seconds between attempts; after the last one the message has failed */
    readonly temp_fail_intervals: readonly number[]
  }
  /** gives the place in the delivery queue back; every other member here ends with it */
  next_cb(): void
  /** what Haraka's outbound does when no plugin takes the entry */
  get_mx(): void
  /**
   * Counts the failure and waits for the next attempt, `extra.delay` seconds if that is given, or bounces
   * after the last one.
   */
  temp_fail(reason: string, extra?: Record<string, unknown>): void
  /** runs the hooks `delivered`, then removes the file */
  delivered(
    ip: string,
    port: number,
    mode: string,
    host: string,
    response: string,
    accepted: readonly HarakaAddress[],
    failed: readonly HarakaAddress[],
    bounced: readonly HarakaAddress[],
    secured: boolean,
    authenticated: boolean,
  ): void
  /** removes the file */
  discard(): void
}

/** What waits in Haraka's clock. */
export interface QueueTimer {
  /** the name of the queue file */
  readonly id: string
  readonly cb: (() => void) | null
  /** milliseconds since 1970 */
  fire_time: number
}

/** The parts of a queue file's name. */
export interface QueueFileName {
  /** milliseconds since 1970 */
  readonly arrival: number
  readonly next_attempt: number
  /** that failed */
  readonly attempts: number
  readonly pid: number
}

export interface HarakaOutbound {
  readonly HMailItem: new (filename: string, path: string, notes?: QueueNotes) => QueueItem
  /** names of queue files */
  readonly qfile: {
    name(parts?: Partial<Pick<QueueFileName, 'next_attempt' | 'attempts'>>): string
    parts(name: string): QueueFileName | null
    readonly platformDOT: string
  }
  readonly delivery_queue: { push(item: QueueItem): void }
  /** ordered by time; looked through each second */
  readonly temp_fail_queue: {
    queue: QueueTimer[]
    /** looks what is due */
    fire(): void
    add(id: string, milliseconds: number, cb: () => void): unknown
  }
  stats(): { readonly queue_dir: string }
}

/** Haraka's outbound/queue.js: what `HarakaOutbound` is made of, and more. */
export interface HarakaQueue {
  readonly queue_dir: string
  delete_dot_files(): Promise<void>
  /** what is done with each file of the queue at a start */
  _add_file(name: string): Promise<string>
}
