/**
 * An SMTP or LMTP server that goes wrong as a test tells it: at each step it can answer what it
 * wants, raw octets included, one octet at a time, nothing, or close. What it took in whole and
 * answered with 2xx stands in `messages`; what it took in whole at all, in `seen`.
 *
 *   const server = await FaultServer.start({ script: { mail: '450 4.3.2 not now' } })
 */
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket, type SecureContextOptions } from 'node:tls'

import { freePort } from '../../plugins/stage/free-port.js'

/** A reply line or lines, or what a server should not do: `close` and `silent` are words for it. */
export type Step =
  | string
  | { readonly raw: Uint8Array | string }
  | { readonly drip: string; readonly every: number }
  | { readonly after: number; readonly step: Step }

export interface Script {
  readonly banner?: Step
  readonly ehlo?: Step
  readonly starttls?: Step
  readonly auth?: Step
  readonly mail?: Step | ((line: string) => Step | undefined)
  readonly rcpt?: (address: string) => Step | undefined
  readonly data?: Step
  /** once this many octets of the message have come */
  readonly body?: { readonly after: number; readonly step: Step }
  readonly dot?: Step
  /** LMTP: the answer for one recipient */
  readonly lmtpDot?: (address: string) => Step | undefined
}

export interface FaultServerOptions {
  readonly host?: string
  readonly port?: number
  readonly lmtp?: boolean
  /** EHLO keywords; `STARTTLS` is added when there is a certificate, unless `stripped` */
  readonly extensions?: readonly string[]
  readonly tls?: SecureContextOptions & { readonly stripped?: boolean }
  readonly script?: Script
}

export interface TakenMessage {
  readonly from: string
  readonly to: readonly string[]
  /** in wire form, dots still doubled, without the final dot */
  readonly wire: Buffer
  readonly secured: boolean
  readonly user: string
}

const defaults = ['PIPELINING', 'SIZE 100000000', '8BITMIME', 'SMTPUTF8', 'DSN', 'AUTH PLAIN LOGIN']

export class FaultServer {
  readonly host: string
  readonly port: number
  script: Script
  readonly messages: TakenMessage[] = []
  readonly seen: TakenMessage[] = []
  /** every command line */
  readonly commands: string[] = []
  connections = 0
  readonly options: FaultServerOptions
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  private constructor(options: FaultServerOptions, host: string, port: number) {
    this.options = options
    this.host = host
    this.port = port
    this.script = options.script ?? {}
  }

  static async start(options: FaultServerOptions = {}): Promise<FaultServer> {
    const { host = '127.0.0.1' } = options
    const server = new FaultServer(options, host, options.port ?? (await freePort(host)))
    await server.start()
    return server
  }

  /** As a smart host is written in the configuration. */
  get smartHost(): string {
    return `${this.options.lmtp === true ? 'lmtp://' : ''}[${this.host}]:${this.port}`
  }

  async start(): Promise<void> {
    const server = createServer((socket) => {
      this.connections++
      this.track(socket)
      new Conversation(this, socket).begin()
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, this.host, resolve)
    })
    this.server = server
  }

  /** Goes on with another script, in new connections: the old ones are dropped. */
  change(script: Script): void {
    this.script = script
    this.drop()
  }

  private drop(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    this.drop()
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  private track(socket: Socket): void {
    this.sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
  }
}

class Conversation {
  private readonly server: FaultServer
  private socket: Socket
  private buffer: Buffer = Buffer.alloc(0)
  private body = false
  private bodyStarted = 0
  private ended = false
  private pausing = false
  private from = ''
  private to: string[] = []
  private user = ''
  private login: string | undefined
  private secured = false

  constructor(server: FaultServer, socket: Socket) {
    this.server = server
    this.socket = socket
  }

  begin(): void {
    this.listen()
    this.play(this.server.script.banner ?? '220 fault.example ready')
  }

  private listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      if (this.ended) return
      this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk])
      this.read()
    })
  }

  private read(): void {
    while (!this.ended && !this.pausing) {
      if (this.body) {
        if (!this.readBody()) return
      } else {
        const end = this.buffer.indexOf('\r\n')
        if (end === -1) return
        const line = this.buffer.subarray(0, end).toString()
        this.buffer = this.buffer.subarray(end + 2)
        this.server.commands.push(line)
        this.command(line)
      }
    }
  }

  private readBody(): boolean {
    const { body } = this.server.script
    const end = this.buffer.subarray(0, 3).equals(Buffer.from('.\r\n'))
      ? 0
      : this.buffer.indexOf('\r\n.\r\n', Math.max(0, this.bodyStarted - 5))
    this.bodyStarted = this.buffer.length
    if (body && this.buffer.length >= body.after) {
      // it has made up its mind: what follows is not taken
      this.ended = true
      if (body.step === 'silent') this.socket.pause()
      else this.play(body.step)
      return false
    }
    if (end === -1) return false
    const wire = this.buffer.subarray(0, end === 0 ? 0 : end + 2)
    this.buffer = this.buffer.subarray(wire.length + 3)
    this.body = false
    this.taken(Buffer.from(wire))
    return true
  }

  private taken(wire: Buffer): void {
    const { script, options } = this.server
    const message = { from: this.from, wire, secured: this.secured, user: this.user }
    this.server.seen.push({ ...message, to: this.to })
    const yes: string[] = []
    const steps = options.lmtp === true ? this.to.map((to) => script.lmtpDot?.(to)) : [undefined]
    steps.forEach((own, index) => {
      const step = own ?? script.dot ?? '250 2.0.0 taken'
      const inner = typeof step === 'object' && 'after' in step ? step.step : step
      if (typeof inner === 'string' && inner.startsWith('2')) {
        yes.push(...(options.lmtp === true ? [this.to[index] ?? ''] : this.to))
      }
      this.play(step)
    })
    if (yes.length > 0) this.server.messages.push({ ...message, to: yes })
    this.to = []
  }

  private command(line: string): void {
    const { script } = this.server
    if (this.login !== undefined) {
      this.continueLogin(line)
      return
    }
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase()
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        this.play(script.ehlo ?? this.greeting())
        return
      case 'HELO':
        this.play('250 fault.example')
        return
      case 'STARTTLS':
        this.play(script.starttls ?? '220 2.0.0 go')
        if (script.starttls === undefined) this.secure()
        return
      case 'AUTH':
        this.auth(line)
        return
      case 'MAIL': {
        this.from = /<(.*?)>/u.exec(line)?.[1] ?? ''
        this.to = []
        const { mail } = script
        this.play((typeof mail === 'function' ? mail(line) : mail) ?? '250 2.1.0 ok')
        return
      }
      case 'RCPT': {
        const address = /<(.*?)>/u.exec(line)?.[1] ?? ''
        const step = script.rcpt?.(address) ?? '250 2.1.5 ok'
        if (typeof step === 'string' && step.startsWith('2')) this.to.push(address)
        this.play(step)
        return
      }
      case 'DATA': {
        const step = script.data ?? (this.to.length > 0 ? '354 go' : '554 5.5.1 nobody')
        this.body = typeof step === 'string' && step.startsWith('354')
        this.bodyStarted = 0
        this.play(step)
        return
      }
      case 'QUIT':
        this.play('221 2.0.0 bye')
        this.socket.end()
        return
      default:
        this.play('250 2.0.0 ok')
    }
  }

  private greeting(): string {
    const { extensions = defaults, tls } = this.server.options
    const offered = [
      ...extensions,
      ...(tls && tls.stripped !== true && !this.secured ? ['STARTTLS'] : []),
    ]
    const lines = ['fault.example', ...offered]
    return lines.map((text, at) => `250${at === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n')
  }

  private auth(line: string): void {
    const step = this.server.script.auth
    const plain = /^AUTH PLAIN (\S+)/iu.exec(line)?.[1]
    if (plain === undefined) {
      this.login = ''
      this.play('334 VXNlcm5hbWU6')
      return
    }
    this.user = Buffer.from(plain, 'base64').toString().split('\0').slice(1).join(':')
    this.play(step ?? '235 2.7.0 ok')
  }

  private continueLogin(line: string): void {
    const text = Buffer.from(line, 'base64').toString()
    if (this.login === '') {
      this.login = text
      this.play('334 UGFzc3dvcmQ6')
      return
    }
    this.user = `${this.login}:${text}`
    this.login = undefined
    this.play(this.server.script.auth ?? '235 2.7.0 ok')
  }

  private secure(): void {
    const { tls = {} } = this.server.options
    this.socket.removeAllListeners('data')
    const secure = new TLSSocket(this.socket, { isServer: true, ...tls })
    secure.on('error', () => undefined)
    this.socket = secure
    this.secured = true
    this.buffer = Buffer.alloc(0)
    this.listen()
  }

  private play(step: Step): void {
    if (step === 'silent') return
    if (step === 'close') {
      this.ended = true
      this.socket.end()
      // what was said before has gone out; a client that goes on talking is not listened to
      setTimeout(() => this.socket.destroy(), 20).unref()
      return
    }
    if (typeof step === 'string') {
      this.socket.write(`${step}\r\n`)
      return
    }
    if ('raw' in step) {
      this.socket.write(step.raw)
      return
    }
    if ('after' in step) {
      // answers keep their order
      this.pausing = true
      setTimeout(() => {
        this.pausing = false
        this.play(step.step)
        this.read()
      }, step.after).unref()
      return
    }
    const octets = `${step.drip}\r\n`.split('')
    const timer = setInterval(() => {
      const octet = octets.shift()
      if (octet === undefined || this.socket.destroyed) clearInterval(timer)
      else this.socket.write(octet)
    }, step.every)
    timer.unref()
  }
}
