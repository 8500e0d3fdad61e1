/**
 * The message of a running transaction, octet for octet.
 *
 * Haraka keeps the body as it came but writes the header from strings: octets that are no UTF-8,
 * fields after the thousandth line, and a message without an empty line come out changed. Where the
 * strings are not the octets (told by their length), the raw header is read again and its own
 * octets are sent, for every field that is still there.
 *
 * The transaction may end meanwhile: its client hangs up, and Haraka deletes the spool file.
 * `hold` keeps the octets until `release`.
 */
import { PassThrough } from 'node:stream'

import type { Soon } from '../basics/soon.js'
import type { EsmtpParameters, HarakaMessageStream, HarakaTransaction } from './haraka.js'
import type { OutgoingMessage } from '../mail/message.js'
import { readHead } from '../mail/message-head.js'
import { bodySize, headerSize, keptBody } from './received-body.js'
import { restoreHeader, wireField } from './raw-header.js'

// Haraka's own, where connection.ini does not say
const defaultMaxLines = 1000
const emptyLine = Buffer.from('\r\n')
// eslint-disable-next-line no-control-regex -- the ASCII range
const beyondAscii = /[^\u0000-\u007f]/u

export class TransactionMessage implements OutgoingMessage {
  readonly size: number
  readonly eightBit: boolean
  readonly utf8: boolean
  readonly pieces: readonly Buffer[] | undefined
  private readonly stream: HarakaMessageStream
  private readonly header: Buffer

  private constructor(
    transaction: HarakaTransaction,
    parameters: EsmtpParameters,
    header: Buffer,
    // where Haraka's own is not to be used
    restored: Buffer | undefined,
  ) {
    this.stream = transaction.message_stream
    this.header = header
    const body = restored ? [restored] : keptBody(this.stream)
    this.pieces = body && [header, ...body]
    this.size = header.length + (restored?.length ?? bodySize(this.stream))
    this.eightBit = parameters['BODY']?.toUpperCase() === '8BITMIME'
    this.utf8 = 'SMTPUTF8' in parameters && header.some((octet) => octet > 127)
  }

  /** Holds the transaction's octets until `release`. Throws, or rejects, when they cannot be read. */
  static hold(
    transaction: HarakaTransaction,
    parameters: EsmtpParameters,
  ): Soon<TransactionMessage> {
    const { message_stream: stream, header, encoding } = transaction
    if (!isFaithful(transaction)) return TransactionMessage.restore(transaction, parameters)
    const text = header.header_list.map(wireField).join('')
    const octets = Buffer.concat([Buffer.from(text, encoding), emptyLine])
    const message = new TransactionMessage(transaction, parameters, octets, undefined)
    hold(stream)
    return message
  }

  private static async restore(
    transaction: HarakaTransaction,
    parameters: EsmtpParameters,
  ): Promise<TransactionMessage> {
    const { message_stream: stream, header, header_lines: lines, encoding } = transaction
    hold(stream)
    try {
      const raw = await readHead(rawOctets(stream))
      // Haraka's own Received field is one of its lines, but several of the message's
      const parsed = lines.reduce((count, line) => count + (line.match(/\n/gu)?.length ?? 0), 0)
      const cut = lines.length >= (transaction.cfg.headers?.max_lines || defaultMaxLines)
      const restored = restoreHeader(raw, parsed, header.header_list, encoding, cut)
      return new TransactionMessage(transaction, parameters, restored.header, restored.body)
    } catch (error) {
      letGo(stream)
      throw error
    }
  }

  async *octets(): AsyncGenerator<Buffer> {
    if (this.pieces) {
      yield* this.pieces
      return
    }
    yield this.header
    yield* read(this.stream, { skip_headers: true })
  }

  /** The transaction may end now. */
  release(): void {
    letGo(this.stream)
  }
}

/** Whether the header's strings are its octets. */
function isFaithful({ header_lines, message_stream, encoding }: HarakaTransaction): boolean {
  let octets = 0
  for (const line of header_lines) {
    if (beyondAscii.test(line)) {
      if (line.includes('\ufffd')) return false
      octets += Buffer.byteLength(line, encoding)
    } else octets += line.length
    // the strings end with a bare LF
    octets += 1
  }
  return octets === headerSize(message_stream)
}

/** The raw message as it came, whatever Haraka's header has become. */
export async function* rawOctets(stream: HarakaMessageStream): AsyncGenerator<Buffer> {
  const { headers } = stream
  // with an empty list the stream sends what it has; it looks at the list when it is piped
  stream.headers = []
  try {
    yield* read(stream, {})
  } finally {
    stream.headers = headers
  }
}

async function* read(
  stream: HarakaMessageStream,
  options: { skip_headers?: boolean },
): AsyncGenerator<Buffer> {
  const octets = new PassThrough({ highWaterMark: 65_536 })
  // the stream tells only itself of an error, and would leave its reader waiting
  const failed = (error: Error): void => {
    octets.destroy(error)
  }
  stream.on('error', failed)
  try {
    stream.pipe(octets, { dot_stuffed: false, ...options })
    for await (const chunk of octets) yield chunk as Buffer
  } finally {
    stream.off('error', failed)
    stream.unpipe()
    octets.destroy()
  }
}

interface Held {
  destroyed: boolean
}

const held = new WeakMap<HarakaMessageStream, Held>()

function hold(stream: HarakaMessageStream): void {
  if (held.has(stream)) return
  const state: Held = { destroyed: false }
  held.set(stream, state)
  stream.destroy = () => {
    state.destroyed = true
  }
}

function letGo(stream: HarakaMessageStream): void {
  const state = held.get(stream)
  if (!state) return
  held.delete(stream)
  if (hasNoFile(stream)) {
    stream.destroy = nothing
    return
  }
  // the method of the class shows again
  delete (stream as Partial<HarakaMessageStream>).destroy
  if (state.destroyed) stream.destroy()
}

/**
 * A stream gives its message to the file in chunks of 64 KB, and the last one not before it knows
 * whether there is to be a file. `destroy` would have a thread remove what was never there.
 */
function hasNoFile(stream: HarakaMessageStream): boolean {
  return !stream.spooling && stream.bytes_read <= 65_536
}

function nothing(): void {
  // there is nothing to remove
}
