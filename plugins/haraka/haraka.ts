/**
 * The members of Haraka that the pack uses, as types; Haraka ships none. A contract test compares
 * every name here with the installed Haraka, so a change there is found before mail is.
 *
 * Haraka 3.3: plugins.js (Plugin), connection.js, transaction.js, @haraka/email-address.
 */
import type { Address } from '@haraka/email-address'

export type HarakaAddress = Address

/** haraka-constants: what a hook answers with. */
export const returnCodes = {
  cont: 900,
  stop: 901,
  deny: 902,
  denySoft: 903,
  denySoftDisconnect: 909,
  ok: 906,
  /** hook send_email: not before so many seconds */
  delay: 908,
} as const

/** A reply's text, with or without an enhanced code in front (haraka-dsn). */
export type ReplyText = string | { readonly reply: string | string[] }

export type Next = (code?: number, message?: ReplyText) => void

/** A configuration file read as its lines; the callback comes after it has changed. */
export interface HarakaConfig {
  readonly root_path: string
  readonly overrides_path?: string
  get(name: string, type: 'data' | 'list', changed?: () => void): string[]
  get(name: string, type: 'value'): string | null
  get(
    name: string,
    options?: { booleans?: string[] },
  ): Record<string, Record<string, string | number | boolean | undefined>>
}

export interface HarakaPlugin {
  readonly name: string
  readonly config: HarakaConfig
  /** seconds until Haraka answers in a hook's place; read when the hook runs; 0: never */
  timeout: number
  register_hook(hook: string, method: string, priority?: number): void
  haraka_require(name: string): unknown
  logdebug(message: string): void
  loginfo(message: string): void
  lognotice(message: string): void
  logwarn(message: string): void
  logerror(message: string): void
  logcrit(message: string): void
}

export interface HarakaHeader {
  /** decoded or raw lines of all fields of that name, without the name */
  get_all(name: string): string[]
  get(name: string): string
  /** every field as it will be written, name and line end included */
  readonly header_list: string[]
}

/** haraka-message-stream: the message with its header fields as `header_list` has them. */
export interface HarakaMessageStream {
  /** what is written instead of the raw header; when it is empty, the raw header is */
  headers: string[]
  /** where the body starts, in octets; absent: no empty line yet */
  readonly idx: { readonly body?: { readonly start: number } }
  /** larger than `spool_after`: in a file, not in memory */
  readonly spooling: boolean
  /** octets added so far */
  readonly bytes_read: number
  /** adds a line as it was received, its end included */
  add_line(line: Buffer | string): void
  pipe<T extends NodeJS.WritableStream>(
    destination: T,
    options?: { dot_stuffed?: boolean; skip_headers?: boolean; end?: boolean },
  ): T
  unpipe(): void
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  /** removes the spool file, even while somebody reads it */
  destroy(): void
}

export interface HarakaResults {
  add(plugin: { readonly name: string }, result: Record<string, unknown>): void
  push(plugin: { readonly name: string }, result: Record<string, unknown>): void
}

export interface HarakaTransaction {
  readonly uuid: string
  readonly mail_from: HarakaAddress
  rcpt_to: HarakaAddress[]
  readonly header: HarakaHeader
  /** the header's lines as decoded, the leading dot of dot-stuffing taken off */
  readonly header_lines: readonly string[]
  readonly message_stream: HarakaMessageStream
  readonly notes: Record<string, unknown>
  readonly results: HarakaResults
  /** connection.ini; `max_lines`: more lines are not put into `header_lines` */
  readonly cfg: { readonly headers?: { readonly max_lines?: number } }
  /** how header bytes were decoded: `utf8` after EHLO, `binary` after HELO */
  readonly encoding: BufferEncoding
  add_header(name: string, value: string): void
  add_leading_header(name: string, value: string): void
  remove_header(name: string): void
}

export interface HarakaConnection {
  readonly uuid: string
  readonly remote: { readonly ip: string; readonly host: string | null }
  readonly local: { readonly ip: string; readonly port: number }
  readonly hello: { readonly host: string | null; readonly verb: string | null }
  /** may this client send to foreign domains: authenticated, or allowed by a plugin */
  relaying: boolean
  readonly transaction: HarakaTransaction | null
  readonly notes: Record<string, unknown>
  /** the socket, or a stream around it */
  readonly client: unknown
  logdebug(message: string, plugin?: { readonly name: string }): void
  loginfo(message: string, plugin?: { readonly name: string }): void
  lognotice(message: string, plugin?: { readonly name: string }): void
  logwarn(message: string, plugin?: { readonly name: string }): void
  logerror(message: string, plugin?: { readonly name: string }): void
}

/** ESMTP parameters of a MAIL or RCPT command, names in upper case. */
export type EsmtpParameters = Readonly<Record<string, string | null>>
