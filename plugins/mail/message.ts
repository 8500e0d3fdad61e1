/**
 * A message on its way out, in wire form: CRLF line ends, dots at line starts doubled, without the
 * final dot. Whoever reads it does not care whether it comes from a transaction or from the queue.
 */
import type { Soon } from '../basics/soon.js'

export interface OutgoingMessage {
  /** octets, for SIZE */
  readonly size: number
  /** the client declared BODY=8BITMIME (RFC 6152) */
  readonly eightBit: boolean
  /** the client declared SMTPUTF8 (RFC 6531) and the header has octets beyond ASCII */
  readonly utf8: boolean
  /**
   * All octets, from the beginning each time it is called. A chunk holds good until the next one is
   * asked for. One reader at a time.
   */
  octets(): AsyncIterable<Buffer>
  /** the same octets where they are in memory anyway: they stay as they are, and need no copy */
  readonly pieces?: readonly Buffer[] | undefined
}

export type Octets = Pick<OutgoingMessage, 'octets' | 'pieces'>

/** A message, or the rest of one, that is in memory in one piece. */
export function inOnePiece(octets: Buffer): Octets {
  const pieces = [octets]
  return {
    pieces,
    async *octets() {
      yield* await Promise.resolve(pieces)
    },
  }
}

/** Visits the octets in their order; waits for a visit only where it has something to wait for. */
export async function eachChunk(
  message: Octets,
  visit: (chunk: Buffer) => Soon<unknown>,
): Promise<void> {
  if (!message.pieces) {
    for await (const chunk of message.octets()) await visit(chunk)
    return
  }
  for (const piece of message.pieces) {
    const visited = visit(piece)
    if (visited instanceof Promise) await visited
  }
}

/** The last two octets of what has gone by, with the next chunk. */
export function endingOf(before: Buffer, chunk: Buffer): Buffer {
  if (chunk.length > 1) return chunk.subarray(-2)
  return Buffer.concat([before, chunk]).subarray(-2)
}

/** A chunk of a message, to be kept beyond the next one. */
export function kept({ pieces }: Octets, chunk: Buffer): Buffer {
  return pieces ? chunk : Buffer.from(chunk)
}
