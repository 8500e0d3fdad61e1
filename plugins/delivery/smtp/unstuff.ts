/**
 * Takes the doubled dots off a message in wire form, chunk by chunk: BDAT (RFC 3030 2) counts octets and
 * needs no dot-stuffing, so what DATA sends as `..` at the start of a line goes out as `.`. Pure.
 *
 * A chunk is given on without a copy when it has nothing to take off, as nearly all of them.
 */
const dot = 0x2e
const cr = 0x0d
const lf = 0x0a
const lineStartDot = Buffer.from('\r\n.')

export class DotRemover {
  /** the last two octets so far; a message begins at the start of a line */
  private tail: readonly [number, number] = [cr, lf]

  take(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const dots = this.doubledDots(chunk)
    this.tail =
      chunk.length > 1
        ? [chunk[chunk.length - 2] ?? 0, chunk[chunk.length - 1] ?? 0]
        : [this.tail[1], chunk[0] ?? 0]
    if (dots.length === 0) return chunk
    const pieces: Buffer[] = []
    let from = 0
    for (const at of dots) {
      pieces.push(chunk.subarray(from, at))
      from = at + 1
    }
    pieces.push(chunk.subarray(from))
    return Buffer.concat(pieces)
  }

  /** Where the chunk has the first dot of a line, which stands there for itself and the one to take off. */
  private doubledDots(chunk: Buffer): number[] {
    const dots: number[] = []
    const [last, end] = this.tail
    if (last === cr && end === lf && chunk[0] === dot) dots.push(0)
    // a line end that began in the chunk before
    if (end === cr && chunk[0] === lf && chunk[1] === dot) dots.push(1)
    for (
      let at = chunk.indexOf(lineStartDot);
      at !== -1;
      at = chunk.indexOf(lineStartDot, at + 3)
    ) {
      dots.push(at + 2)
    }
    return dots
  }
}
