/**
 * SMTP replies as they come off the wire (RFC 5321 4.2, enhanced codes RFC 2034).
 *
 * `ReplyParser` turns bytes into replies and nothing else into a `ReplyError`: a line that is no
 * reply, one longer than `maxLine`, a reply of more than `maxReply` octets. The connection is
 * useless after that; whether the message is lost with it is decided elsewhere.
 */
export interface SmtpReply {
  readonly code: number
  /** `5.1.1`; empty if the host gave none */
  readonly enhanced: string
  /** the lines' text without codes */
  readonly lines: readonly string[]
}

export class ReplyError extends Error {
  override readonly name = 'ReplyError'
}

// RFC 5321 4.5.3.1.5 says 512; hosts with long explanations exist
const maxLine = 4096
const maxReply = 65536
// with codes and Haraka's transaction id it stays below 512 octets (RFC 5321 4.5.3.1.5)
const longestText = 440
const lf = 0x0a
const replyLine = /^([2-5]\d\d)(?:([ -])(.*))?$/su
const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/u

export class ReplyParser {
  private rest: Buffer = Buffer.alloc(0)
  private lines: string[] = []
  private octets = 0

  /** Takes what came; answers the replies that are complete now. Throws ReplyError. */
  feed(chunk: Buffer): SmtpReply[] {
    const replies: SmtpReply[] = []
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let from = 0
    for (let end = bytes.indexOf(lf); end !== -1; end = bytes.indexOf(lf, from)) {
      const reply = this.line(bytes.subarray(from, end))
      if (reply) replies.push(reply)
      from = end + 1
    }
    this.rest = bytes.subarray(from)
    if (this.rest.length > maxLine) throw tooLong()
    return replies
  }

  private line(bytes: Buffer): SmtpReply | undefined {
    if (bytes.length > maxLine) throw tooLong()
    this.octets += bytes.length
    if (this.octets > maxReply) {
      throw new ReplyError(`expected a reply of at most ${maxReply} octets, got more`)
    }
    const text = bytes.toString('utf8').replace(/\r$/u, '')
    const match = replyLine.exec(text)
    if (!match) {
      throw new ReplyError(`expected an SMTP reply, got ${JSON.stringify(text.slice(0, 80))}`)
    }
    this.lines.push(match[3] ?? '')
    if (match[2] === '-') return undefined
    const reply = makeReply(Number(match[1]), this.lines)
    this.lines = []
    this.octets = 0
    return reply
  }
}

function tooLong(): ReplyError {
  return new ReplyError(`expected a reply line of at most ${maxLine} octets, got a longer one`)
}

/** A reply out of its lines; an enhanced code at their front is taken off. */
export function makeReply(code: number, lines: readonly string[]): SmtpReply {
  const enhanced = enhancedCode.exec(lines[0] ?? '')?.[1] ?? ''
  return { code, enhanced, lines: lines.map((line) => withoutEnhanced(line, enhanced)) }
}

function withoutEnhanced(line: string, enhanced: string): string {
  return enhanced !== '' && line.startsWith(enhanced) ? line.slice(enhanced.length).trim() : line
}

/** Every 2xx is a yes: 250, and 251 and 252 too. */
export function isPositive(reply: SmtpReply): boolean {
  return reply.code >= 200 && reply.code < 300
}

/** The text without codes, on one line that a client, a report and a log can take. */
export function replyText(reply: SmtpReply): string {
  const text = printable(reply.lines.join(' '))
  return text.length > longestText ? `${text.slice(0, longestText)}...` : text
}

/** `550 5.1.1 no such user`, on one line: for the log, DSNs and the client. */
export function formatReply(reply: SmtpReply): string {
  return [String(reply.code), reply.enhanced, replyText(reply)].filter(Boolean).join(' ')
}

/** Control characters would forge log lines and header fields. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/gu, ' ').trim()
}
