/**
 * Finds a carriage return that no line feed follows, anywhere in a message. RFC 5321 2.3.8 forbids it;
 * a server that takes it for a line end reads another message behind `\r.\r\n` than this one did
 * (SMTP smuggling). Haraka refuses a bare line feed itself and hands a bare CR on.
 *
 * Lines are looked at while they come. A message that came past us (a plugin above ended the hooks
 * before DATA) is read once more, whole.
 */
import type { Soon } from '../basics/soon.js'
import type { Reply } from '../mail/reply.js'
import type { HarakaMessageStream, HarakaTransaction } from './haraka.js'
import { rawOctets, TransactionMessage } from './transaction-message.js'

export const bareCrReply: Reply = {
  code: 550,
  enhanced: '5.6.0',
  text: 'bare CR in the message: lines end in CR LF (RFC 5321 2.3.8)',
}

const cr = 0x0d
const lf = 0x0a
const seen = new WeakMap<HarakaMessageStream, { found: boolean }>()

/** Looks at every line that is added from now on. To be called before `keepBody`, which may undo itself. */
export function watchForBareCr(stream: HarakaMessageStream): void {
  if (seen.has(stream) || stream.bytes_read > 0) return
  const state = { found: false }
  seen.set(stream, state)
  const add = stream.add_line.bind(stream)
  stream.add_line = (line) => {
    state.found ||= typeof line === 'string' ? /\r(?!\n)/u.test(line) : hasBareCr(line)
    add(line)
  }
}

/** Whether the message has one; it has come whole. */
export function findBareCr(transaction: HarakaTransaction): Soon<boolean> {
  return seen.get(transaction.message_stream)?.found ?? lookThrough(transaction)
}

async function lookThrough(transaction: HarakaTransaction): Promise<boolean> {
  const message = await TransactionMessage.hold(transaction, {})
  try {
    const found = await scan(rawOctets(transaction.message_stream))
    seen.set(transaction.message_stream, { found })
    return found
  } finally {
    message.release()
  }
}

async function scan(octets: AsyncIterable<Buffer>): Promise<boolean> {
  let found = false
  let atEnd = false
  for await (const chunk of octets) {
    const [first] = chunk
    if (first === undefined) continue
    found ||= (atEnd && first !== lf) || hasBareCr(chunk, true)
    atEnd = chunk.at(-1) === cr
  }
  return found || atEnd
}

/** `open`: more octets follow, so the last one may be half of a line end. */
function hasBareCr(octets: Buffer, open = false): boolean {
  const first = octets.indexOf(cr)
  // a line with its end, as nearly all of them
  if (first === octets.length - 2 && octets[first + 1] === lf) return false
  for (let at = first; at !== -1; at = octets.indexOf(cr, at + 1)) {
    if (at === octets.length - 1 && open) return false
    if (octets[at + 1] !== lf) return true
  }
  return false
}
