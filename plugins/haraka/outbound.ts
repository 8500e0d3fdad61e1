/**
 * The members of Haraka's outbound that the pack uses, as types: the queue on disk, its clock, its
 * bounces. Checked against the installed Haraka by the same contract test as haraka.ts.
 *
 * Haraka 3.3: outbound/index.js, todo.js, hmail.js.
 */
import type { HarakaAddress, HarakaMessageStream, HarakaTransaction } from './haraka.js'

/** What the pack keeps with a queue entry, under `notes.address_space`. */
export type QueueNotes = Record<string, unknown>

/** The head of a queue entry. */
export interface QueueTodo {
  queue_time: number
  domain: string
  rcpt_to: QueueRecipient[]
  mail_from: HarakaAddress
  message_stream?: HarakaMessageStream
  notes: QueueNotes
  uuid: string
}

/** A recipient of a queue entry with what a DSN says of it (RFC 3464 2.3). */
export type QueueRecipient = HarakaAddress & {
  dsn_action?: string
  dsn_status?: string
  dsn_code?: number | string
  dsn_msg?: string
  dsn_remote_mta?: string
  dsn_smtp_code?: number | string
  dsn_smtp_extc?: string
  dsn_smtp_response?: string
  reason?: string
}

/** An entry of the queue on its way out (hook `send_email` gets it). */
export interface QueueItem {
  readonly todo: QueueTodo
  readonly filename: string
  readonly path: string
  /** attempts that failed */
  readonly num_failures: number
  readonly file_size: number
  readonly data_start: number
  data_stream(): NodeJS.ReadableStream
  temp_fail(reason: string, extra?: Record<string, unknown>): void
  bounce(reason: string, extra?: Record<string, unknown>): void
  delivered(
    ip: string,
    port: number,
    mode: string,
    host: string,
    response: string,
    accepted: readonly QueueRecipient[],
    failed: readonly QueueRecipient[],
    bounced: readonly QueueRecipient[],
    secured: boolean,
    authenticated: boolean,
  ): void
  split_to_new_recipients(
    recipients: readonly QueueRecipient[],
    response: string,
    done: (item: QueueItem) => void,
  ): void
  logdebug(message: string): void
  loginfo(message: string): void
  lognotice(message: string): void
  logwarn(message: string): void
  logerror(message: string): void
}

export interface HarakaOutbound {
  readonly TODOItem: new (
    domain: string,
    recipients: readonly HarakaAddress[],
    transaction: HarakaTransaction,
  ) => QueueTodo
  process_delivery(okPaths: string[], todo: QueueTodo, items: QueueItem[]): Promise<void>
  readonly delivery_queue: { push(item: QueueItem): void }
  send_email(
    from: string,
    to: string | readonly string[],
    contents: string,
    next: (code: number, message?: string) => void,
    options?: { notes?: QueueNotes; dot_stuffed?: boolean; origin?: object },
  ): void
}
