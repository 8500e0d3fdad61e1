/**
 * The header of a message: everything before the first empty line. Used where a header has to be
 * looked at (DSNs, restoring octets); the rest of the message is not read.
 */
const longestHead = 1024 * 1024

/** Octets up to the empty line (which is left out), at most a megabyte; dots stay doubled. */
export async function readHead(octets: AsyncIterable<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  for await (const chunk of octets) {
    const searchFrom = Math.max(0, head.length - 3)
    head = Buffer.concat([head, chunk])
    const end = endOfHead(head, searchFrom)
    if (end !== undefined) return head.subarray(0, end)
    if (head.length >= longestHead) break
  }
  return head.subarray(0, longestHead)
}

function endOfHead(bytes: Buffer, from: number): number | undefined {
  if (bytes[0] === 0x0d && bytes[1] === 0x0a) return 0
  const end = bytes.indexOf('\r\n\r\n', from)
  return end === -1 ? undefined : end + 2
}
