/**
 * The HTTP server around the status page: listening, limits, headers. What is answered is decided by
 * the handler.
 *
 * A port that is taken is an error in the log and no more: mail goes on, and the port is tried again
 * every ten seconds (Haraka that is started as a daemon opens it twice for a moment). The server never
 * keeps the process alive.
 */
import { chmodSync, unlinkSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect, type Socket } from 'node:net'

import type { Log } from '../config/environment.js'
import { errorStack, errorText } from '../basics/error-text.js'
import { formatListen, type Listen } from '../operations/operations-config.js'
import { Rates, type Rate } from './rate.js'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request, as plain values that go from process to process. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** the address of the client; absent: through the socket */
  readonly remote: string | undefined
  readonly body: string
}

export type Handler = (asked: Asked) => Promise<Answer>

// milliseconds
const defaultRetry = 10_000
// octets of a form
const mostBody = 8192
// requests of one client
const pagesPerSecond = 30
// a balancer's: they are answered also while its address asks for pages too often
const checksPerSecond = 100
const checkPaths = '/healthz/'
const asksForCheck = new RegExp(`^[A-Z]+ ${checkPaths}`, 'u')
// milliseconds in which a client that asks too often has to ask
const firstOctets = 5000
const tooMany = Buffer.from(
  'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
)

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  // `no-referrer` would take the Origin from forms
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

export interface HttpServerOptions {
  /** milliseconds until a port that was taken is tried again */
  readonly retryInterval?: number
  /** called once it listens; not while the port is taken */
  readonly opened?: () => void
}

export class HttpServer {
  private readonly server: Server
  private readonly listen: Listen
  private readonly log: Log
  private readonly handler: Handler
  private readonly retryInterval: number
  private readonly opened: () => void
  private readonly pages = new Rates(pagesPerSecond, { refused: 0.1 })
  private readonly checks = new Rates(checksPerSecond, { refused: 0 })
  private retry: NodeJS.Timeout | undefined
  private told = false
  private closed = false

  constructor(listen: Listen, log: Log, handler: Handler, options: HttpServerOptions = {}) {
    this.retryInterval = options.retryInterval ?? defaultRetry
    this.opened = options.opened ?? ((): void => undefined)
    this.listen = listen
    this.log = log
    this.handler = handler
    this.server = createServer(
      { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 5000 },
      (request, response) => void this.serve(request, response),
    )
    this.server.maxConnections = 200
    this.refuseEarly()
    this.server.on('error', (error: NodeJS.ErrnoException) => this.failed(error))
    this.server.on('listening', () => this.listening())
  }

  /** Settles when it listens or has failed for the first time. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.server.off('listening', done)
        this.server.off('error', done)
        resolve()
      }
      this.server.on('listening', done)
      this.server.on('error', done)
      this.open()
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.retry)
    this.server.close()
    this.server.closeAllConnections()
  }

  private open(): void {
    if (this.closed) return
    const { listen, server } = this
    // exclusive: with `nodes` it must not become a port of the workers'
    if (listen.kind === 'port') {
      server.listen({ host: listen.host, port: listen.port, exclusive: true })
    } else server.listen({ path: listen.path, exclusive: true })
    server.unref()
  }

  private listening(): void {
    if (this.listen.kind === 'socket') chmodSync(this.listen.path, 0o660)
    this.opened()
    this.told = false
    this.log.notice(`the status page listens on ${formatListen(this.listen)}`)
  }

  private failed(error: NodeJS.ErrnoException): void {
    const { listen } = this
    const again = (): void => {
      if (this.closed) return
      this.retry = setTimeout(() => this.open(), this.retryInterval)
      this.retry.unref()
    }
    if (!this.told) {
      this.told = true
      const why =
        error.code === 'EADDRINUSE' ? 'another program listens there already' : errorText(error)
      this.log.error(
        `the status page cannot listen on ${formatListen(listen)}: ${why}; mail goes on, it is tried again every ${this.retryInterval / 1000} seconds`,
      )
    }
    if (error.code === 'EADDRINUSE' && listen.kind === 'socket') removeStale(listen.path, again)
    else again()
  }

  /** A client that has asked too often hears so before HTTP is looked at, which is most of what it costs. */
  private refuseEarly(): void {
    const { server } = this
    const accept = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket) => {
      const goOn = (): void => accept.forEach((one) => void one.call(server, socket))
      const rate = this.pages.of(socket)
      if (rate.fits) goOn()
      else {
        rate.take()
        refuse(socket, goOn)
      }
    })
  }

  private rateOf({ socket, url }: IncomingMessage): Rate {
    return (url?.startsWith(checkPaths) === true ? this.checks : this.pages).of(socket)
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!this.rateOf(request).take()) {
        // nothing else is looked at: this is what many requests cost
        response.writeHead(429, { 'Retry-After': '1', Connection: 'close' }).end()
        return
      }
      const body = await readBody(request)
      const answer: Answer =
        body === undefined
          ? { status: 413, type: 'text/plain', body: 'too large\n' }
          : await this.handler(askedOf(request, body))
      response.writeHead(answer.status, {
        ...headers,
        'Content-Type': `${answer.type}; charset=utf-8`,
        ...answer.headers,
      })
      response.end(request.method === 'HEAD' ? undefined : answer.body)
    } catch (error) {
      this.log.error(`the status page: ${request.method ?? ''} failed: ${errorStack(error)}`)
      if (!response.headersSent) response.writeHead(500, headers)
      response.end()
    }
  }
}

/** Unless it is a check of health, which has limits of its own. */
function refuse(socket: Socket, goOn: () => void): void {
  const end = (): void => void socket.destroy()
  socket.setTimeout(firstOctets, end).on('error', end)
  socket.once('data', (octets: Buffer) => {
    if (asksForCheck.test(octets.toString('latin1', 0, 64))) {
      socket.setTimeout(0).off('timeout', end).off('error', end)
      socket.pause()
      socket.unshift(octets)
      goOn()
      socket.resume()
      return
    }
    socket.write(tooMany)
    socket.destroySoon()
  })
}

function askedOf(
  { method = '', url = '/', headers, socket }: IncomingMessage,
  body: string,
): Asked {
  return { method, url, headers, remote: socket.remoteAddress, body }
}

/** `undefined`: it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of request) {
    octets += (chunk as Buffer).length
    if (octets > mostBody) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A socket that nobody listens on was left by a process that was killed. */
function removeStale(path: string, done: () => void): void {
  const probe = connect(path)
  probe.once('connect', () => {
    probe.destroy()
    done()
  })
  probe.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') unlinkSync(path)
    done()
  })
}
