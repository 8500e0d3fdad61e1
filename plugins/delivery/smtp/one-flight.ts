/**
 * A message for one recipient in one flight: MAIL, RCPT and `BDAT n LAST` with the message in one write,
 * the three answers in one read (RFC 3030, with PIPELINING). DATA needs two.
 *
 * What is written is the whole message, so it is written where the final dot would be: the client is
 * looked for and the time is checked just before. From then on no answer is `uncertain`, unless the host
 * has said 421 or no to MAIL or RCPT.
 *
 * A host that offers CHUNKING and then does not read the chunk would take the message's lines for
 * commands, and whoever wrote the message would speak to it in our name. So a host is asked once whether
 * it reads a chunk that it refuses, with a chunk of ours: RFC 3030 2 says that it must. One that does
 * not, and one that does not understand BDAT after all, gets DATA for an hour.
 */
import { LRUCache } from 'lru-cache'

import { thenSoon, type Soon } from '../../basics/soon.js'
import { eachChunk, endingOf, kept, type OutgoingMessage } from '../../mail/message.js'
import { outcomeOf, type Outcome } from '../outcome.js'
import { expectAnswer, readFinal, reset } from './answers.js'
import { mailCommand, rcptCommand, type Envelope, type EnvelopeRecipient } from './envelope.js'
import { isPositive, type SmtpReply } from './smtp-reply.js'
import { formatEndpoint, type Session } from './session.js'
import type { TransactionOptions } from './transaction.js'
import { DotRemover } from './unstuff.js'
import { HostError } from './wire.js'

// octets; a larger message takes so long that the second flight does not count
const largest = 262_144
// an idle session may have been closed by the host unseen: what is written then is uncertain
const freshFor = 5000
const remembered = 3_600_000
const crlf = Buffer.from('\r\n')
// no command that a host knows; read as one it has an answer of its own
const unknownCommand = 'XCHUNK\r\n'
const notUnderstood = new Set([500, 501, 502, 504, 555])

/** What is known of hosts that offer CHUNKING: whether they read a chunk whatever they say to it. */
export class ChunkingHosts {
  private readonly known = new LRUCache<string, boolean>({ max: 10_000, ttl: remembered })
  private readonly asking = new Set<string>()

  /** Whether the session's host reads chunks; asked once, and meanwhile it does not. Never rejects. */
  reads(session: Session, ms: number): Soon<boolean> {
    const host = formatEndpoint(session.endpoint)
    const known = this.known.get(host)
    if (known !== undefined) return known
    return this.asking.has(host) ? false : this.ask(session, host, ms)
  }

  private async ask(session: Session, host: string, ms: number): Promise<boolean> {
    this.asking.add(host)
    try {
      const reads = await readsRefusedChunk(session, ms)
      this.known.set(host, reads)
      return reads
    } catch {
      // the session is dead; whoever uses it next finds out
      return false
    } finally {
      this.asking.delete(host)
    }
  }

  /** It does not understand BDAT after all. */
  refused(session: Session): void {
    this.known.set(formatEndpoint(session.endpoint), false)
  }
}

/** A chunk without a message is refused, and has to be read all the same. */
async function readsRefusedChunk({ wire }: Session, ms: number): Promise<boolean> {
  const end = performance.now() + ms
  const within = (): number => end - performance.now()
  wire.push(Buffer.from(`BDAT ${unknownCommand.length} LAST\r\n${unknownCommand}NOOP\r\n`))
  const refusal = await wire.read('BDAT', within())
  const next = await wire.read('NOOP', within())
  if (isPositive(next)) return !notUnderstood.has(refusal.code)
  // the chunk was taken for a command: NOOP is still to be answered
  await wire.read('NOOP', within())
  return false
}

interface Flight {
  readonly session: Session
  readonly envelope: Envelope
  readonly recipients: readonly EnvelopeRecipient[]
  readonly message: OutgoingMessage
  readonly options: TransactionOptions
}

/** Whether the message may go in one flight. */
export function mayFly(
  session: Session,
  recipients: readonly EnvelopeRecipient[],
  message: OutgoingMessage,
  { chunking, timeouts, until }: TransactionOptions,
): Soon<boolean> {
  const { endpoint, extensions, wire } = session
  if (!chunking || endpoint.protocol === 'lmtp' || recipients.length !== 1) return false
  if (!extensions.has('CHUNKING') || !extensions.has('PIPELINING')) return false
  if (message.size > largest || performance.now() - wire.heardAt > freshFor) return false
  const ms = Math.min(timeouts.hello, until - performance.now())
  return thenSoon(chunking.reads(session, ms), (reads) => reads && wire.usable && !wire.isLeaving)
}

/** The outcome for the one recipient, in a list. Rejects only with what the options' functions threw. */
export async function sendInOneFlight(flight: Flight): Promise<Outcome[]> {
  const { session, envelope, recipients, message, options } = flight
  const { wire, extensions } = session
  const host = formatEndpoint(session.endpoint)
  const pieces = await gather(options.prefix, message)
  const size = pieces.reduce((sum, { length }) => sum + length, 0)
  const commands = [
    mailCommand(envelope, recipients, extensions),
    ...recipients.map((recipient) => rcptCommand(recipient, extensions)),
    `BDAT ${size} LAST`,
  ]
  const ready = options.beforeMessage?.([{ kind: 'delivered', reply: assumed, host }])
  if (ready instanceof Promise) await ready
  if (performance.now() >= options.until) return [notAsked('the time for it is over', host)]
  options.beforeDot?.()
  if (!wire.usable || wire.early) return [notAsked(wire.failure || 'the host has ended it', host)]
  wire.push(Buffer.from(`${commands.join('\r\n')}\r\n`), ...pieces)
  return [await landed(flight, host)]
}

/** What `beforeMessage` is told while nothing is answered yet. */
const assumed: SmtpReply = { code: 250, enhanced: '', lines: [] }

/** Reads the three answers. */
async function landed({ session, options }: Flight, host: string): Promise<Outcome> {
  const { wire } = session
  const { timeouts, chunking } = options
  const end = performance.now() + timeouts.final
  const within = (): number => end - performance.now()
  let refused: SmtpReply | undefined
  for (const phase of ['MAIL', 'RCPT']) {
    let reply: SmtpReply
    try {
      const answer = wire.read(phase, within())
      reply = answer instanceof Promise ? await answer : answer
    } catch (error) {
      wire.destroy()
      if (refused) return outcomeOf(refused, host)
      return { kind: 'uncertain', reason: (error as Error).message, host }
    }
    try {
      if (reply.code === 421) throw new HostError(phase, 'closing', reply)
      if (!refused) expectAnswer(phase, reply)
    } catch (error) {
      wire.destroy()
      return refused ? outcomeOf(refused, host) : notAsked((error as Error).message, host)
    }
    if (!refused && !isPositive(reply)) refused = reply
  }
  if (refused) {
    // the chunk is answered too, and says nothing more
    try {
      await wire.read('BDAT', within())
      await reset(session, timeouts)
    } catch {
      wire.destroy()
    }
    return outcomeOf(refused, host)
  }
  const outcomes: Outcome[] = [{ kind: 'delivered', reply: assumed, host }]
  await readFinal(session, [0], outcomes, within())
  const outcome = outcomes[0] ?? notAsked('no answer', host)
  if (outcome.kind !== 'refused' || !notUnderstood.has(outcome.reply.code)) return outcome
  chunking?.refused(session)
  wire.destroy()
  return notAsked(`BDAT: ${outcome.reply.code} after it offered CHUNKING`, host)
}

function notAsked(reason: string, host: string): Outcome {
  return { kind: 'not-asked', reason, host }
}

/** The message as it is, without doubled dots, its last line ended. */
async function gather(prefix: string, message: OutgoingMessage): Promise<Buffer[]> {
  const dots = new DotRemover()
  const pieces: Buffer[] = [Buffer.from(prefix)]
  let tail: Buffer = crlf
  await eachChunk(message, (chunk) => {
    const piece = kept(message, dots.take(chunk))
    tail = endingOf(tail, piece)
    pieces.push(piece)
  })
  if (!tail.equals(crlf)) pieces.push(crlf)
  return pieces
}
