/**
 * An SMTP or LMTP server that goes wrong as a test tells it: at each step it can answer what it
 * wants, raw octets included, one octet at a time, nothing, or close. It has limits as real hosts
 * have them, and remembers: errors in a session, sessions at once, recipients that came before. What
 * it took in whole and answered with 2xx stands in `messages`; what it took in whole at all, in `seen`.
 *
 *   const server = await FaultServer.start({ script: { mail: '450 4.3.2 not now' } })
 *   const exchange = await FaultServer.start({ limits: { sessions: 20, tarpit: 5000 } })
 */
import { createServer, type Server, type Socket } from 'node:net'

import { freePort } from '../../plugins/stage/free-port.js'
import { Conversation } from './fault-conversation.js'
import type { FaultServerOptions, Limits, Script, TakenMessage } from './fault-script.js'
import { HostMemory } from './host-memory.js'

export type { FaultServerOptions, Limits, Script, Step, TakenMessage } from './fault-script.js'

export class FaultServer {
  readonly host: string
  readonly port: number
  readonly options: FaultServerOptions
  readonly memory = new HostMemory()
  /** Both count from the next step on: a host may change while sessions are open. */
  script: Script
  limits: Limits
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  private constructor(options: FaultServerOptions, host: string, port: number) {
    this.options = options
    this.host = host
    this.port = port
    this.script = options.script ?? {}
    this.limits = options.limits ?? {}
  }

  static async start(options: FaultServerOptions = {}): Promise<FaultServer> {
    const { host = '127.0.0.1' } = options
    const server = new FaultServer(options, host, options.port ?? (await freePort(host)))
    await server.start()
    return server
  }

  /** As a smart host is written in the configuration. */
  get smartHost(): string {
    const host = this.host.includes(':') ? `[IPv6:${this.host}]` : `[${this.host}]`
    return `${this.options.lmtp === true ? 'lmtp://' : ''}${host}:${this.port}`
  }

  get messages(): TakenMessage[] {
    return this.memory.messages
  }

  get seen(): TakenMessage[] {
    return this.memory.seen
  }

  get commands(): string[] {
    return this.memory.commands
  }

  get connections(): number {
    return this.memory.connections
  }

  /** Listens, also again after `stop`: the host has come back. */
  async start(): Promise<void> {
    const server = createServer((socket) => this.connected(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, this.host, 1024, resolve)
    })
    this.server = server
  }

  /** Goes on with another script, in new connections: the old ones are dropped. */
  change(script: Script): void {
    this.script = script
    this.drop()
  }

  /** Ends every connection without a word. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Listens no longer; what is connected goes on. */
  async closePort(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (!server) return
    // it says that it is closed when the last connection has ended; the port is free before
    server.close()
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Listens no longer and drops its connections; what it took stays. */
  async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    this.drop()
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  private connected(socket: Socket): void {
    this.sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    const address = socket.remoteAddress ?? ''
    const { memory, limits } = this
    memory.connections++
    const fits = memory.enter(address, limits.sessions)
    let counts = fits
    const leave = (): void => {
      if (counts) memory.leave(address)
      counts = false
    }
    socket.on('close', () => {
      this.sockets.delete(socket)
      leave()
    })
    new Conversation(this, socket, { number: memory.connections, leave }).begin(fits)
  }
}
