/**
 * Writes a message in wire form to a session: gathers small pieces, keeps to the pace of the host,
 * and ends with the final dot. A message that does not end its last line gets the line end that SMTP
 * demands (RFC 5321 4.1.1.4).
 *
 * `beforeDot` is the point of no return: a throw there, a host that fails or answers early, no
 * progress for `block` milliseconds, or the end of the time ends the writing without the dot, and then
 * nothing is delivered.
 */
import { eachChunk, endingOf, kept, type Octets } from '../../mail/message.js'
import { HostError, type Wire } from './wire.js'

const gather = 65_536
const crlf = Buffer.from('\r\n')
const finalDot = Buffer.from('.\r\n')

export interface BodyLimits {
  /** milliseconds without progress */
  readonly block: number
  /** by performance.now() */
  readonly until: number
  readonly beforeDot: () => void
}

/** Sends the message and the final dot. Rejects, with the dot unsent, on every failure. */
export async function writeBody(
  wire: Wire,
  prefix: string,
  message: Octets,
  { block, until, beforeDot }: BodyLimits,
): Promise<void> {
  let pieces: Buffer[] = prefix === '' ? [] : [Buffer.from(prefix)]
  let waiting = pieces[0]?.length ?? 0
  let tail: Buffer = crlf
  const within = (): number => Math.min(block, until - performance.now())

  await eachChunk(message, (chunk) => {
    tail = endingOf(tail, chunk)
    if (waiting + chunk.length < gather) {
      pieces.push(kept(message, chunk))
      waiting += chunk.length
      return undefined
    }
    expectSilence(wire)
    const together = [...pieces, chunk]
    pieces = []
    waiting = 0
    return wire.write(together, within())
  })
  expectSilence(wire)
  // a small message goes out at once, however long its preparation took
  if (performance.now() >= until) throw new HostError('message', 'the time for it is over')
  beforeDot()
  if (!tail.equals(crlf)) pieces.push(crlf)
  // whether the dot got there only the host's answer tells
  wire.push(...pieces, finalDot)
}

/** A host that answers before the final dot has made up its mind: it takes no more. */
function expectSilence(wire: Wire): void {
  if (wire.early) throw new HostError('message', 'answered before the end', wire.early)
  if (!wire.usable) throw new HostError('message', wire.failure)
}
