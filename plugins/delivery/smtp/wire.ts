/**
 * The socket of an SMTP or LMTP session: commands out, replies in, in order, each with an end in
 * time. It knows nothing of what the commands mean.
 *
 * Everything that goes wrong with a host (no connection, closed, no answer in time, no SMTP) is a
 * `HostError`; the wire is dead from then on. Replies that nobody has asked for yet are kept, so
 * that a `421` before a close is not lost.
 */
import { errorText } from '../../basics/error-text.js'
import type { Soon } from '../../basics/soon.js'
import type { X509Certificate } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'

import { connect as connectTls, TLSSocket, type ConnectionOptions } from 'node:tls'

import { formatReply, ReplyParser, type SmtpReply } from './smtp-reply.js'

/** The host failed, as opposed to: it answered no. Nothing was delivered by what was asked. */
export class HostError extends Error {
  override readonly name = 'HostError'
  /** the phase it failed in: `connect`, `EHLO`, … */
  readonly phase: string
  readonly reply: SmtpReply | undefined

  constructor(phase: string, message: string, reply?: SmtpReply) {
    super(`${phase}: ${reply ? `${message}: ${formatReply(reply)}` : message}`)
    this.phase = phase
    this.reply = reply
  }
}

export type Destination =
  { readonly host: string; readonly port: number } | { readonly path: string }

// a host that talks on unasked is no SMTP server
const maxUnread = 1000

interface Waiting {
  readonly phase: string
  readonly resolve: (reply: SmtpReply) => void
  readonly reject: (error: HostError) => void
  readonly timer: NodeJS.Timeout
}

export class Wire {
  /** replies so far that were a no of any kind: hosts count errors in a session */
  refusals = 0
  /** the host has said 421: it is going away, whatever it still answers */
  isLeaving = false
  /** when the host was last heard, by performance.now() */
  heardAt = performance.now()
  /** an answer was due and did not come */
  wentSilent = false
  private socket: Socket
  private parser = new ReplyParser()
  private readonly unread: SmtpReply[] = []
  private waiting: Waiting | undefined
  private failed: string | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    this.listen(socket)
  }

  /** Connects within `ms` milliseconds, or rejects with HostError. */
  static async connect(destination: Destination, ms: number): Promise<Wire> {
    const socket = connectTcp({ ...destination, noDelay: true })
    await settle(socket, 'connect', 'connect', ms)
    return new Wire(socket)
  }

  /** Neither failed nor closed by either side. */
  get usable(): boolean {
    return this.failed === undefined
  }

  /** A reply that came before it was asked for. */
  get early(): SmtpReply | undefined {
    return this.unread[0]
  }

  /** The next reply; rejects with HostError when none has come within `ms` milliseconds. */
  read(phase: string, ms: number): Soon<SmtpReply> {
    const reply = this.unread.shift()
    if (reply) return reply
    if (this.failed !== undefined) return Promise.reject(new HostError(phase, this.failed))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.wentSilent = true
          this.fail(`expected an answer within ${Math.max(0, ms) / 1000} s, got none`)
        },
        Math.max(0, ms),
      )
      this.waiting = { phase, resolve, reject, timer }
    })
  }

  /** Sends command lines; what comes of it, the next `read` says. */
  send(...commands: string[]): void {
    if (this.usable) this.socket.write(`${commands.join('\r\n')}\r\n`)
  }

  /** Sends octets together, without waiting for them to go out: they have to stay as they are. */
  push(...octets: readonly Buffer[]): void {
    if (this.usable) this.writeTogether(octets)
  }

  /** Sends octets; settles when they are on their way, which may take `ms` milliseconds. */
  write(octets: readonly Buffer[], ms: number): Promise<void> {
    if (!this.usable) return Promise.reject(new HostError('message', this.failure))
    if (this.writeTogether(octets)) return Promise.resolve()
    const { socket } = this
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        socket.off('drain', settle).off('close', settle)
        if (this.usable) resolve()
        else reject(new HostError('message', this.failure))
      }
      const timer = setTimeout(
        () => {
          this.fail(`expected to get on within ${Math.max(0, ms) / 1000} s`)
          settle()
        },
        Math.max(0, ms),
      )
      socket.on('drain', settle).on('close', settle)
    })
  }

  /** The host's certificate, if it is encrypted. */
  get certificate(): X509Certificate | undefined {
    return this.socket instanceof TLSSocket ? this.socket.getPeerX509Certificate() : undefined
  }

  /** Whether the process stays alive for it. */
  keepAlive(keep: boolean): void {
    if (keep) this.socket.ref()
    else this.socket.unref()
  }

  /** Why it is unusable. */
  get failure(): string {
    return this.failed ?? ''
  }

  /** TLS from here on (RFC 3207). Whatever was said in plain text before is forgotten. */
  async startTls(options: ConnectionOptions, ms: number): Promise<void> {
    const plain = this.socket
    plain.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close')
    if (this.unread.length > 0) {
      this.fail('expected nothing between the answer to STARTTLS and the handshake, got a reply')
      throw new HostError('TLS', this.failure)
    }
    this.parser = new ReplyParser()
    const secure = connectTls({ ...options, socket: plain })
    this.socket = secure
    try {
      await settle(secure, 'secureConnect', 'TLS', ms)
    } catch (error) {
      this.fail(errorText(error))
      plain.on('error', ignore).destroy()
      throw error
    }
    this.listen(secure)
  }

  /** Says QUIT as RFC 5321 4.1.1.10 asks, and does not wait long for the answer. Never rejects. */
  async quit(): Promise<void> {
    this.send('QUIT')
    try {
      await this.read('QUIT', 1000)
    } catch {
      // it had its chance
    }
    this.destroy()
  }

  /** Ends it at once, without a word. */
  destroy(): void {
    this.fail('closed by us')
  }

  /** In one system call, without a copy of all; false: they are not on their way yet. */
  private writeTogether(octets: readonly Buffer[]): boolean {
    const { socket } = this
    socket.cork()
    let gone = true
    for (const part of octets) gone = socket.write(part)
    socket.uncork()
    return gone
  }

  private listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', (error) => this.fail(error.message))
    socket.on('close', () => this.fail('the host closed the connection'))
    socket.on('end', () => this.fail('the host closed the connection'))
  }

  private take(chunk: Buffer): void {
    this.heardAt = performance.now()
    try {
      for (const reply of this.parser.feed(chunk)) this.answer(reply)
      if (this.unread.length > maxUnread) this.fail(`more than ${maxUnread} replies unasked`)
    } catch (error) {
      this.fail(errorText(error))
    }
  }

  private answer(reply: SmtpReply): void {
    if (reply.code >= 400) this.refusals++
    if (reply.code === 421) this.isLeaving = true
    const waiting = this.waiting
    if (!waiting) {
      this.unread.push(reply)
      return
    }
    this.waiting = undefined
    clearTimeout(waiting.timer)
    waiting.resolve(reply)
  }

  private fail(reason: string): void {
    if (this.failed !== undefined) return
    this.failed = reason
    this.socket.removeAllListeners('data')
    this.socket.on('error', ignore).destroy()
    const waiting = this.waiting
    this.waiting = undefined
    if (waiting) {
      clearTimeout(waiting.timer)
      waiting.reject(new HostError(waiting.phase, reason))
    }
  }
}

function ignore(): void {
  // the wire is dead already
}

/** Waits for a socket's event; destroys it and rejects with HostError when that does not come. */
function settle(socket: Socket, event: string, phase: string, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        finish(`expected to be done within ${Math.max(0, ms) / 1000} s`)
      },
      Math.max(0, ms),
    )
    const finish = (problem: string | undefined): void => {
      clearTimeout(timer)
      socket.off(event, done).off('error', failed).off('close', closed)
      if (problem === undefined) {
        resolve()
        return
      }
      socket.on('error', ignore).destroy()
      reject(new HostError(phase, problem))
    }
    const done = (): void => finish(undefined)
    const failed = (error: Error): void => finish(error.message)
    const closed = (): void => finish('the host closed the connection')
    socket.on(event, done).on('error', failed).on('close', closed)
  })
}
