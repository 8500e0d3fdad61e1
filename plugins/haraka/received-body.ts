/**
 * The body of a message as it is received, kept beside Haraka's own copy: that one is handed out line
 * by line, which costs more than everything else that is done with a message of 100 KB.
 *
 * Nothing is copied: lines that follow each other in memory, as received, become one piece. A large
 * body, or one that came in very many pieces, is not kept, nor is one that did not go through the
 * stream from its beginning to its end: then Haraka's stream has it.
 */
import type { HarakaMessageStream } from './haraka.js'

const mostOctets = 1024 * 1024
const emptyLine = 2
// each costs memory of its own, however few octets it has
const mostPieces = 1000

interface Piece {
  readonly memory: ArrayBufferLike
  readonly start: number
  end: number
}

interface Kept {
  readonly pieces: Piece[]
  octets: number
}

const keptOf = new WeakMap<HarakaMessageStream, Kept>()

/** Keeps the body that is going to be added to the stream. */
export function keepBody(stream: HarakaMessageStream): void {
  if (keptOf.has(stream) || stream.bytes_read > 0) return
  const kept: Kept = { pieces: [], octets: 0 }
  keptOf.set(stream, kept)
  const add = stream.add_line.bind(stream)
  stream.add_line = (line) => {
    const inBody = stream.idx.body !== undefined
    add(line)
    if (!inBody) return
    if (typeof line === 'string' || !keep(kept, line)) {
      keptOf.delete(stream)
      stream.add_line = add
    }
  }
}

/**
 * Octets of the header, without the empty line behind it. Not read from `idx.headers`: in that index
 * stand the MIME boundaries of the message too, and one of them may be called `headers`.
 */
export function headerSize({ idx }: HarakaMessageStream): number {
  return idx.body ? idx.body.start - emptyLine : 0
}

/** Octets behind the empty line; none if there is no such line. */
export function bodySize({ idx, bytes_read: all }: HarakaMessageStream): number {
  return idx.body ? all - idx.body.start : 0
}

/** The whole body in wire form; `undefined`: it was not kept. */
export function keptBody(stream: HarakaMessageStream): Buffer[] | undefined {
  const kept = keptOf.get(stream)
  if (!kept || !stream.idx.body || bodySize(stream) !== kept.octets) return undefined
  return kept.pieces.map(({ memory, start, end }) => Buffer.from(memory, start, end - start))
}

/** Adds a line; false: the body is too large to be kept. */
function keep(kept: Kept, line: Buffer): boolean {
  const { pieces } = kept
  const last = pieces.at(-1)
  const end = line.byteOffset + line.length
  if (last && last.memory === line.buffer && last.end === line.byteOffset) last.end = end
  else pieces.push({ memory: line.buffer, start: line.byteOffset, end })
  kept.octets += line.length
  return kept.octets <= mostOctets && pieces.length <= mostPieces
}
