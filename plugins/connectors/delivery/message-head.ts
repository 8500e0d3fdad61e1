/**
 * The header of a message out of its stream: everything before the first empty line. Used where a
 * header has to be looked at (DSNs, restoring octets); the rest of the message is not read.
 */
import { Writable } from 'node:stream'

export const longestHead = 1024 * 1024

/** Octets up to the empty line (which is left out), at most `limit`; dots stay doubled. */
export function readHead(
  pipe: (destination: Writable) => void,
  limit = longestHead,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0)
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        const searchFrom = Math.max(0, head.length - 3)
        head = Buffer.concat([head, chunk])
        const end = endOfHead(head, searchFrom)
        if (end === undefined && head.length < limit) {
          done()
          return
        }
        head = head.subarray(0, Math.min(end ?? head.length, limit))
        destination.destroy()
        done()
      },
    })
    destination.once('error', reject)
    destination.once('finish', () => resolve(head))
    destination.once('close', () => resolve(head))
    try {
      pipe(destination)
    } catch (error) {
      destination.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

function endOfHead(bytes: Buffer, from: number): number | undefined {
  if (bytes[0] === 0x0d && bytes[1] === 0x0a) return 0
  const end = bytes.indexOf('\r\n\r\n', from)
  return end === -1 ? undefined : end + 2
}
