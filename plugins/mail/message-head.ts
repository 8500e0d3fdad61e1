/**
 * The header of a message: everything before the first empty line. Used where a header has to be
 * looked at (DSNs, restoring octets); the rest of the message is not read.
 */

/** Octets up to the empty line (which is left out), at most `limit`; dots stay doubled. */
export async function readHead(
  octets: AsyncIterable<Buffer>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  // the last octets before a chunk: the empty line may begin there
  let tail: Buffer = Buffer.alloc(0)
  for await (const chunk of octets) {
    const seen = Buffer.concat([tail, chunk])
    const end = endOfHead(seen, length === 0)
    // a chunk holds good until the next one only
    chunks.push(Buffer.from(chunk))
    if (end !== undefined) {
      return Buffer.concat(chunks).subarray(0, Math.min(length - tail.length + end, limit))
    }
    length += chunk.length
    if (length >= limit) break
    tail = Buffer.from(seen.subarray(-3))
  }
  return Buffer.concat(chunks).subarray(0, Math.min(length, limit))
}

function endOfHead(bytes: Buffer, first: boolean): number | undefined {
  if (first && bytes[0] === 0x0d && bytes[1] === 0x0a) return 0
  const end = bytes.indexOf('\r\n\r\n')
  return end === -1 ? undefined : end + 2
}
