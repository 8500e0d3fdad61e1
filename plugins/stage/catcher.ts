/**
 * A server that takes the place of another mail system: it accepts mail over SMTP or LMTP on a
 * loopback address, keeps each message with its envelope, and delivers nothing.
 *
 * It can be told what to reply to a recipient, at RCPT or after the final dot, and be stopped and
 * started again on its port.
 */
import { SMTPServer } from 'smtp-server'

import { freePort } from './free-port.js'

export interface CatcherOptions {
  /** a loopback address from 127.0.0.2 up: 127.0.0.1 is the stranger */
  readonly host: string
  /** any free one unless told */
  readonly port?: number
  readonly protocol?: 'smtp' | 'lmtp'
}

export interface CaughtMessage {
  readonly from: string
  /** as given at RCPT, those that were accepted */
  readonly to: readonly string[]
  /** the message without the dots stuffed */
  readonly raw: Buffer
  /** parameters of MAIL, keys in upper case */
  readonly mailParameters: Readonly<Record<string, string | true>>
  /** parameters of each RCPT, in the order of `to` */
  readonly rcptParameters: readonly Readonly<Record<string, string | true>>[]
  readonly remoteAddress: string
}

interface Waiter {
  readonly count: number
  readonly resolve: () => void
}

export class Catcher {
  readonly host: string
  readonly port: number
  readonly protocol: 'smtp' | 'lmtp'
  readonly messages: CaughtMessage[] = []
  private readonly rcptReplies = new Map<string, string>()
  private readonly dataReplies = new Map<string, string>()
  private readonly listeners: ((message: CaughtMessage) => void)[] = []
  private waiters: Waiter[] = []
  private server: SMTPServer | undefined

  private constructor(host: string, port: number, protocol: 'smtp' | 'lmtp') {
    this.host = host
    this.port = port
    this.protocol = protocol
  }

  /** A catcher that listens. */
  static async start(options: CatcherOptions): Promise<Catcher> {
    const { host, protocol = 'smtp' } = options
    const catcher = new Catcher(host, options.port ?? (await freePort(host)), protocol)
    await catcher.start()
    return catcher
  }

  /** As a smart host is written in the configuration. */
  get smartHost(): string {
    return `${this.protocol === 'lmtp' ? 'lmtp://' : ''}[${this.host}]:${this.port}`
  }

  /** Replies to RCPT of an address, or of every address (`*`): `251 2.1.5 …`, `450 …`, `550 …`. */
  replyToRcpt(address: string, reply: string): void {
    this.rcptReplies.set(address.toLowerCase(), reply)
  }

  /** Replies after the final dot: SMTP takes the one for `*`, LMTP one a recipient. */
  replyToData(address: string, reply: string): void {
    this.dataReplies.set(address.toLowerCase(), reply)
  }

  /** Everything is accepted again, and what was caught is forgotten. */
  reset(): void {
    this.rcptReplies.clear()
    this.dataReplies.clear()
    this.messages.length = 0
  }

  onMessage(listener: (message: CaughtMessage) => void): void {
    this.listeners.push(listener)
  }

  /** The messages once there are `count`; rejects when they do not come in time (milliseconds). */
  async waitFor(count: number, timeout = 10_000): Promise<readonly CaughtMessage[]> {
    if (this.messages.length >= count) return this.messages
    return new Promise((resolve, reject) => {
      const waiter = {
        count,
        resolve: () => {
          clearTimeout(timer)
          resolve(this.messages)
        },
      }
      const timer = setTimeout(() => {
        this.waiters = this.waiters.filter((other) => other !== waiter)
        reject(
          new Error(
            `expected ${count} messages at ${this.smartHost} within ${timeout} ms, got ${this.messages.length}`,
          ),
        )
      }, timeout)
      this.waiters.push(waiter)
    })
  }

  /** Listens again, on the same port. */
  async start(): Promise<void> {
    const server = this.makeServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, this.host, resolve)
    })
    // a client that breaks off is its own affair
    server.on('error', () => undefined)
    this.server = server
  }

  /** Stops listening and drops its connections; what was caught stays. */
  async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (server) await new Promise<void>((resolve) => server.close(resolve))
  }

  private makeServer(): SMTPServer {
    return new SMTPServer({
      lmtp: this.protocol === 'lmtp',
      name: 'catcher.example',
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: true,
      hideDSN: false,
      closeTimeout: 50,
      onRcptTo: (address, session, done) => {
        const reply =
          this.rcptReplies.get(address.address.toLowerCase()) ?? this.rcptReplies.get('*')
        if (reply === undefined || reply.startsWith('250')) return done()
        // any other reply goes the way of an error; a 2xx is an acceptance all the same
        if (reply.startsWith('2')) session.envelope.rcptTo.push(address)
        done(replyError(reply))
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope
          const replies = rcptTo.map(({ address }) => this.dataReply(address))
          const accepted = rcptTo.filter((_, index) => !(replies[index] instanceof Error))
          if (accepted.length > 0) {
            this.keep({
              from: mailFrom === false ? '' : mailFrom.address,
              to: accepted.map(({ address }) => address),
              raw: Buffer.concat(chunks),
              mailParameters: (mailFrom && mailFrom.args) || {},
              rcptParameters: accepted.map(({ args }) => args || {}),
              remoteAddress: session.remoteAddress,
            })
          }
          if (this.protocol === 'lmtp') done(null, replies)
          else if (replies[0] instanceof Error) done(replies[0])
          else done(null, replies[0] ?? 'OK')
        })
      },
    })
  }

  private dataReply(address: string): Error | string {
    const own = this.protocol === 'lmtp' ? this.dataReplies.get(address.toLowerCase()) : undefined
    const reply = own ?? this.dataReplies.get('*') ?? '250 2.0.0 caught'
    return reply.startsWith('2') ? reply.slice(4) : replyError(reply)
  }

  private keep(message: CaughtMessage): void {
    this.messages.push(message)
    for (const listener of this.listeners) listener(message)
    const ready = this.waiters.filter(({ count }) => this.messages.length >= count)
    this.waiters = this.waiters.filter((waiter) => !ready.includes(waiter))
    for (const waiter of ready) waiter.resolve()
  }
}

/** `550 5.1.1 no such user` as smtp-server takes it. */
function replyError(reply: string): Error {
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) })
}
