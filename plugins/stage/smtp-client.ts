/**
 * An SMTP client that shows every reply: for the staged MX and for tests, not for delivery.
 *
 * It sends what it is told, line by line or as raw bytes, and hands back each reply as it came. A
 * reply that does not come in time, or a connection that ends first, rejects and names the command.
 */
import { connect, type Socket } from 'node:net'

export interface Reply {
  readonly code: number
  /** `5.1.1`; empty if the reply has none */
  readonly enhanced: string
  /** the text of each line, without both codes */
  readonly lines: readonly string[]
  /** `550 5.1.1 no such user`, lines joined by a blank */
  readonly text: string
}

export interface Server {
  readonly host: string
  readonly port: number
}

export interface ClientOptions {
  /** the address to come from; 127.0.0.1 unless told */
  readonly localAddress?: string
  /** milliseconds for one reply */
  readonly timeout?: number
}

interface Waiter {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

const defaultTimeout = 35_000

export class SmtpClient {
  greeting: Reply = { code: 0, enhanced: '', lines: [], text: '' }
  private readonly socket: Socket
  private readonly timeout: number
  private readonly replies: Reply[] = []
  private readonly waiters: Waiter[] = []
  private partial = ''
  private lines: string[] = []
  private ended: Error | undefined

  private constructor(socket: Socket, timeout: number) {
    this.socket = socket
    this.timeout = timeout
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => this.read(chunk))
    socket.on('error', (error) => this.end(error))
    socket.on('close', () => this.end(new Error('the server closed the connection')))
  }

  /** Connects and reads the greeting. */
  static async connect(server: Server, options: ClientOptions = {}): Promise<SmtpClient> {
    const { localAddress = '127.0.0.1', timeout = defaultTimeout } = options
    const { host, port } = server
    const client = new SmtpClient(connect({ host, port, localAddress }), timeout)
    try {
      client.greeting = await client.reply('the greeting')
    } catch (error) {
      client.close()
      throw error
    }
    return client
  }

  /** One command line, and its reply. */
  command(line: string): Promise<Reply> {
    this.write(`${line}\r\n`)
    return this.reply(line)
  }

  /** Commands in one write (RFC 2920), and a reply for each. */
  async pipeline(commands: readonly string[]): Promise<Reply[]> {
    this.write(commands.map((command) => `${command}\r\n`).join(''))
    const replies: Reply[] = []
    for (const command of commands) replies.push(await this.reply(command))
    return replies
  }

  ehlo(name = 'client.example'): Promise<Reply> {
    return this.command(`EHLO ${name}`)
  }

  /** `from` without brackets; empty for the null sender. */
  mail(from: string, parameters = ''): Promise<Reply> {
    return this.command(`MAIL FROM:<${from}>${parameters && ` ${parameters}`}`)
  }

  rcpt(to: string, parameters = ''): Promise<Reply> {
    return this.command(`RCPT TO:<${to}>${parameters && ` ${parameters}`}`)
  }

  /** DATA, the message with its dots stuffed, and the reply after the final dot. */
  async data(message: string | Uint8Array): Promise<Reply> {
    const ready = await this.command('DATA')
    if (ready.code !== 354) return ready
    this.write(stuffDots(message))
    return this.reply('the final dot')
  }

  authPlain(user: string, password: string): Promise<Reply> {
    const token = Buffer.from(`\0${user}\0${password}`).toString('base64')
    return this.command(`AUTH PLAIN ${token}`)
  }

  /** Raw bytes, as they are. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next reply; `to` names in an error what it answers. */
  reply(to = 'what was written'): Promise<Reply> {
    const next = this.replies.shift()
    if (next) return Promise.resolve(next)
    if (this.ended) return Promise.reject(this.unanswered(to, this.ended.message))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(this.unanswered(to, `nothing came within ${this.timeout} ms`))
        this.close()
      }, this.timeout)
      this.waiters.push({
        resolve: (reply) => {
          clearTimeout(timer)
          resolve(reply)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(this.unanswered(to, error.message))
        },
      })
    })
  }

  /** QUIT and the end of the connection; a server that is gone already is no error. */
  async quit(): Promise<void> {
    await this.command('QUIT').catch(() => undefined)
    this.close()
  }

  /** Drops the connection without a word. */
  close(): void {
    this.socket.destroy()
  }

  private read(chunk: string): void {
    const lines = (this.partial + chunk).split('\r\n')
    this.partial = lines.pop() ?? ''
    for (const line of lines) {
      this.lines.push(line)
      if (/^\d{3}-/u.test(line)) continue
      const reply = parseReply(this.lines)
      this.lines = []
      const waiter = this.waiters.shift()
      if (waiter) waiter.resolve(reply)
      else this.replies.push(reply)
    }
  }

  private end(error: Error): void {
    this.ended ??= error
    for (const waiter of this.waiters.splice(0)) waiter.reject(this.ended)
  }

  private unanswered(to: string, reason: string): Error {
    return new Error(`expected a reply to ${to}, but ${reason}`)
  }
}

/** The lines of one reply (RFC 5321 4.2), with the enhanced code of RFC 2034 taken off. */
function parseReply(lines: readonly string[]): Reply {
  const parsed = lines.map((line) => /^(\d{3})[ -]?(?:([245]\.\d+\.\d+)(?: |$))?(.*)$/u.exec(line))
  const [first] = parsed
  return {
    code: Number(first?.[1] ?? 0),
    enhanced: first?.[2] ?? '',
    lines: parsed.map((match, index) => match?.[3] ?? lines[index] ?? ''),
    text: lines.join(' '),
  }
}

/** RFC 5321 4.5.2, with the final dot; bytes stay as they are otherwise. */
function stuffDots(message: string | Uint8Array): Buffer {
  const bytes = Buffer.from(message).toString('latin1')
  const stuffed = bytes.replace(/(^|\n)\./gu, '$1..')
  return Buffer.from(`${stuffed}${/(^|\r\n)$/u.test(stuffed) ? '' : '\r\n'}.\r\n`, 'latin1')
}

export interface Mail extends ClientOptions {
  /** empty for the null sender */
  readonly from: string
  readonly to: readonly string[]
  readonly data?: string | Uint8Array
  readonly helo?: string
}

export interface Outcome {
  readonly mail: Reply
  /** one for each of `to`, in its order; empty if MAIL was refused */
  readonly rcpt: readonly Reply[]
  /** absent if no recipient was accepted */
  readonly data?: Reply
}

/** One message in a connection of its own: what was answered to each command. */
export async function send(server: Server, message: Mail): Promise<Outcome> {
  const { from, to, data = sampleMessage(message) } = message
  const client = await SmtpClient.connect(server, message)
  try {
    await client.ehlo(message.helo)
    const mail = await client.mail(from)
    const rcpt: Reply[] = []
    if (mail.code !== 250) return { mail, rcpt }
    for (const address of to) rcpt.push(await client.rcpt(address))
    if (!rcpt.some(({ code }) => code >= 200 && code < 300)) return { mail, rcpt }
    return { mail, rcpt, data: await client.data(data) }
  } finally {
    await client.quit()
  }
}

/** A small complete message for an envelope. */
export function sampleMessage({ from, to }: { from: string; to: readonly string[] }): string {
  const id = `${Date.now().toString(36)}.${Math.random().toString(36).slice(2)}`
  return [
    `From: <${from || 'mailer-daemon@client.example'}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    'Subject: a test',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@client.example>`,
    '',
    'This is a test.',
    '',
  ].join('\r\n')
}
