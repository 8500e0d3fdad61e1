/**
 * Writes a message in wire form to a session: gathers small pieces, keeps to the pace of the
 * socket, and ends with the final dot. A message that does not end its last line gets the line end
 * that SMTP demands (RFC 5321 4.1.1.4).
 *
 * `beforeDot` is the point of no return: a throw there, a host that fails or answers early, or no
 * progress for `block` milliseconds ends the writing without the dot, and then nothing is delivered.
 */
import { Writable } from 'node:stream'

import type { OutgoingMessage } from '../message.js'
import { HostError, type Wire } from './wire.js'

const gather = 65_536
const crlf = Buffer.from('\r\n')

export interface BodyLimits {
  /** milliseconds without progress */
  readonly block: number
  /** milliseconds since 1970 */
  readonly until: number
  readonly beforeDot: () => void
}

/** Sends the message and the final dot. Rejects, with the dot unsent, on every failure. */
export function writeBody(
  wire: Wire,
  prefix: string,
  message: OutgoingMessage,
  limits: BodyLimits,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const writer = new BodyWriter(wire, limits)
    const stop = (reason: string): void => {
      writer.destroy(new HostError('message', reason))
    }
    const silent = setTimeout(
      () => stop(`expected to go on within ${limits.block / 1000} s`),
      limits.block,
    )
    writer.onProgress = () => silent.refresh()
    const late = setTimeout(
      () => stop('expected to be done by now'),
      Math.min(Math.max(0, limits.until - Date.now()), 2 ** 31 - 1),
    )
    const unwatch = wire.onFailure(() => stop(wire.failure))
    const clear = (): void => {
      clearTimeout(silent)
      clearTimeout(late)
      unwatch()
    }
    writer.once('finish', () => {
      clear()
      resolve()
    })
    writer.once('error', (error) => {
      clear()
      reject(error)
    })
    writer.once('close', () => {
      clear()
      reject(new Error('the message ended early'))
    })
    if (!wire.usable) stop(wire.failure)
    else {
      if (prefix !== '') writer.write(prefix)
      try {
        message.pipe(writer)
      } catch (error) {
        writer.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    }
  })
}

class BodyWriter extends Writable {
  onProgress: () => void = () => undefined
  private readonly wire: Wire
  private readonly limits: BodyLimits
  private pieces: Buffer[] = []
  private octets = 0
  /** the last two octets written */
  private tail: Buffer = crlf

  constructor(wire: Wire, limits: BodyLimits) {
    super({ highWaterMark: gather })
    this.wire = wire
    this.limits = limits
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.pieces.push(chunk)
    this.octets += chunk.length
    this.tail =
      chunk.length >= 2 ? chunk.subarray(-2) : Buffer.concat([this.tail, chunk]).subarray(-2)
    if (this.octets < gather) done()
    else this.flush(done)
  }

  override _final(done: (error?: Error) => void): void {
    try {
      this.expectSilence()
      this.limits.beforeDot()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (!this.tail.equals(crlf)) this.pieces.push(crlf)
    this.pieces.push(Buffer.from('.\r\n'))
    this.flush(done)
  }

  private flush(done: (error?: Error) => void): void {
    if (!this.wire.usable) {
      done(new HostError('message', this.wire.failure))
      return
    }
    try {
      this.expectSilence()
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
      return
    }
    const { socket } = this.wire
    const flowing = socket.write(Buffer.concat(this.pieces))
    this.pieces = []
    this.octets = 0
    this.onProgress()
    if (flowing || this.writableEnded) done()
    else socket.once('drain', done)
  }

  /** A host that answers before the final dot has made up its mind: it takes no more. */
  private expectSilence(): void {
    const { early } = this.wire
    if (early) throw new HostError('message', 'answered before the end', early)
  }
}
