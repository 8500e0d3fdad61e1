/** One connection with a fault server: commands in, steps out, by its script and its limits. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import { Player } from './fault-player.js'
import {
  defaultExtensions,
  delayed,
  replyOf,
  type FaultServerOptions,
  type Limits,
  type Script,
  type Step,
} from './fault-script.js'
import type { HostMemory } from './host-memory.js'

/** The server that a connection belongs to. */
export interface FaultHost {
  readonly options: FaultServerOptions
  readonly memory: HostMemory
  readonly script: Script
  readonly limits: Limits
}

export interface Connection {
  /** from 1 up */
  readonly number: number
  /** QUIT: it does not count as a session any more */
  readonly leave: () => void
}

const tooManyErrors: Step = { reply: '421 4.7.0 Error: too many errors', next: 'close' }

export class Conversation {
  private readonly host: FaultHost
  private readonly player: Player
  private readonly number: number
  private readonly leave: () => void
  private buffer: Buffer = Buffer.alloc(0)
  private body = false
  /** octets of a chunk that are still to come; undefined: none is */
  private chunk: number | undefined
  /** what comes is not read any more */
  private deaf = false
  private bodyStarted = 0
  private errors = 0
  private taken = 0
  private from = ''
  /** MAIL was accepted */
  private begun = false
  private to: string[] = []
  private user = ''
  private login: string | undefined
  private secured = false

  constructor(host: FaultHost, socket: Socket, { number, leave }: Connection) {
    this.host = host
    this.number = number
    this.leave = leave
    const latency = (): number => host.limits.latency ?? 0
    this.player = new Player(socket, latency, () => this.read())
  }

  /** `fits`: there is room for the session. */
  begin(fits: boolean): void {
    const { script, limits } = this.host
    this.listen()
    if (!fits) {
      const full: Step = { reply: '421 4.3.2 too many sessions from your address', next: 'close' }
      this.player.play(limits.whenFull === 'close' ? 'close' : full)
      return
    }
    // a connection has come and gone over the line before it can be greeted
    this.player.play(delayed(script.banner ?? '220 fault.example ready', limits.latency))
  }

  private listen(): void {
    this.player.socket.on('data', (chunk: Buffer) => {
      const { latency = 0 } = this.host.limits
      if (latency > 0) setTimeout(() => this.receive(chunk), latency).unref()
      else this.receive(chunk)
    })
  }

  private receive(chunk: Buffer): void {
    if (this.deaf || this.player.ended) return
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk])
    this.read()
  }

  private read(): void {
    while (!this.deaf && !this.player.ended && !this.player.pausing) {
      if (this.body) {
        if (!this.readBody()) return
      } else if (this.chunk !== undefined) {
        if (!this.readChunk(this.chunk)) return
      } else {
        const end = this.buffer.indexOf('\r\n')
        if (end === -1) return
        const line = this.buffer.subarray(0, end).toString()
        this.buffer = this.buffer.subarray(end + 2)
        this.host.memory.commands.push(line)
        this.command(line)
      }
    }
  }

  private readBody(): boolean {
    const { body } = this.host.script
    const end = this.buffer.subarray(0, 3).equals(Buffer.from('.\r\n'))
      ? 0
      : this.buffer.indexOf('\r\n.\r\n', Math.max(0, this.bodyStarted - 5))
    this.bodyStarted = this.buffer.length
    if (body && this.buffer.length >= body.after) {
      // it has made up its mind: what follows is not taken
      if (body.step === 'silent') this.player.socket.pause()
      else this.player.play(body.step)
      this.deaf = true
      return false
    }
    if (end === -1) return false
    const wire = this.buffer.subarray(0, end === 0 ? 0 : end + 2)
    this.buffer = this.buffer.subarray(wire.length + 3)
    this.body = false
    this.take(Buffer.from(wire))
    return true
  }

  private readChunk(size: number): boolean {
    if (this.buffer.length < size) return false
    const octets = this.buffer.subarray(0, size).toString('latin1')
    this.buffer = this.buffer.subarray(size)
    this.chunk = undefined
    const { bdat } = this.host.script
    if (typeof bdat === 'object') this.answer(bdat.answer)
    else if (!this.begun || this.to.length === 0) this.answer('503 5.5.1 nobody')
    else this.take(Buffer.from(octets.replace(/^\./gmu, '..'), 'latin1'), true)
    return true
  }

  private take(wire: Buffer, chunk = false): void {
    const { script, options, memory, limits } = this.host
    const message = {
      from: this.from,
      wire,
      chunk,
      secured: this.secured,
      user: this.user,
      at: performance.now(),
      session: this.number,
    }
    const envelope = { from: this.from, to: this.to }
    memory.seen.push({ ...message, to: this.to })
    const yes: string[] = []
    const steps = options.lmtp === true ? this.to.map((to) => script.lmtpDot?.(to)) : [undefined]
    steps.forEach((own, index) => {
      const { dot } = script
      const common = typeof dot === 'function' ? dot(envelope) : dot
      const step = own ?? common ?? '250 2.0.0 taken'
      if (replyOf(step).startsWith('2')) {
        yes.push(...(options.lmtp === true ? [this.to[index] ?? ''] : this.to))
      }
      this.answer(delayed(step, limits.slowDot))
    })
    if (yes.length > 0) {
      memory.messages.push({ ...message, to: yes })
      this.errors = 0
      this.taken++
    }
    this.to = []
  }

  /** A reply, and what it costs the session: errors are counted and may end it. */
  private answer(step: Step): void {
    const { errors, errorPause } = this.host.limits
    const isError = /^[45]/u.test(replyOf(step))
    if (isError) this.errors++
    const slow = isError && errorPause !== undefined && this.errors > errorPause.after
    this.player.play(delayed(step, slow ? errorPause.pause : 0))
    if (!isError || errors === undefined || this.errors < errors) return
    this.host.memory.tooManyErrors++
    this.player.play(tooManyErrors)
  }

  private command(line: string): void {
    const { script } = this.host
    if (this.login !== undefined) return this.continueLogin(line)
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase()
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        return this.player.play(script.ehlo ?? this.greeting())
      case 'HELO':
        return this.player.play('250 fault.example')
      case 'STARTTLS':
        this.player.play(script.starttls ?? '220 2.0.0 go')
        if (script.starttls === undefined) this.secure()
        return
      case 'AUTH':
        return this.auth(line)
      case 'MAIL':
        return this.mail(line)
      case 'RCPT':
        return this.rcpt(/<(.*?)>/u.exec(line)?.[1] ?? '')
      case 'DATA': {
        const step = script.data ?? (this.to.length > 0 ? '354 go' : '554 5.5.1 nobody')
        this.body = replyOf(step).startsWith('354')
        this.bodyStarted = 0
        return this.answer(step)
      }
      case 'BDAT':
        if (script.bdat === 'unread') return this.answer('500 5.5.2 what is BDAT')
        this.chunk = Number(line.split(' ')[1])
        return
      case 'XCHUNK':
        return this.answer('500 5.5.2 unknown command')
      case 'QUIT':
        this.leave()
        this.player.play('221 2.0.0 bye')
        return this.player.play('close')
      default:
        return this.player.play('250 2.0.0 ok')
    }
  }

  private mail(line: string): void {
    const { script, limits } = this.host
    this.from = /<(.*?)>/u.exec(line)?.[1] ?? ''
    this.to = []
    if (limits.messages !== undefined && this.taken >= limits.messages) {
      return this.player.play({ reply: '421 4.7.0 too many messages in a session', next: 'close' })
    }
    const { mail } = script
    const step = (typeof mail === 'function' ? mail(line) : mail) ?? '250 2.1.0 ok'
    this.begun = replyOf(step).startsWith('2')
    this.answer(step)
  }

  private rcpt(address: string): void {
    const { script, limits, memory } = this.host
    memory.ask(address)
    let step = script.rcpt?.(address) ?? '250 2.1.5 ok'
    const reply = replyOf(step)
    if (reply.startsWith('5')) step = delayed(step, limits.tarpit)
    if (reply.startsWith('2')) {
      if (limits.greylist !== undefined && memory.isNew(address, limits.greylist)) {
        step = '450 4.2.0 greylisted, come back later'
      } else this.to.push(address)
    }
    this.answer(step)
  }

  private greeting(): string {
    const { extensions = defaultExtensions, tls } = this.host.options
    const offered = [
      ...extensions,
      ...(tls && tls.stripped !== true && !this.secured ? ['STARTTLS'] : []),
    ]
    const lines = ['fault.example', ...offered]
    return lines.map((text, at) => `250${at === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n')
  }

  private auth(line: string): void {
    const plain = /^AUTH PLAIN (\S+)/iu.exec(line)?.[1]
    if (plain === undefined) {
      this.login = ''
      return this.player.play('334 VXNlcm5hbWU6')
    }
    this.user = Buffer.from(plain, 'base64').toString().split('\0').slice(1).join(':')
    this.answerLogin()
  }

  private continueLogin(line: string): void {
    const text = Buffer.from(line, 'base64').toString()
    if (this.login === '') {
      this.login = text
      return this.player.play('334 UGFzc3dvcmQ6')
    }
    this.user = `${this.login}:${text}`
    this.login = undefined
    this.answerLogin()
  }

  private answerLogin(): void {
    const { auth } = this.host.script
    const step = typeof auth === 'function' ? auth(this.user) : auth
    this.player.play(step ?? '235 2.7.0 ok')
  }

  private secure(): void {
    const { tls = {} } = this.host.options
    this.player.socket.removeAllListeners('data')
    const secure = new TLSSocket(this.player.socket, { isServer: true, ...tls })
    secure.on('error', () => undefined)
    this.player.socket = secure
    this.secured = true
    this.buffer = Buffer.alloc(0)
    this.listen()
  }
}
