/**
 * The control socket of a gateway, in its first process: for Haraka's user and root alone, since the
 * folder that it stands in is theirs. A socket that a dead process left is replaced; one behind which
 * another gateway lives is left alone, and this one has none.
 *
 * Beside it stands `alive.json`, touched every few seconds: a gateway on another machine that reaches
 * the same folder sees by it that this one lives (adoption).
 */
import { chmodSync, chownSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'

import { errorText } from '../../basics/error-text.js'
import type { Log } from '../../config/environment.js'
import { askGateway } from './control-client.js'
import {
  controlTimes,
  longestRequest,
  protocolVersion,
  socketPath,
  type ControlAnswer,
  type ControlRequest,
} from './protocol.js'

export type ControlHandler = (
  request: ControlRequest,
  progress: (done: number, of: number) => void,
) => Promise<unknown>

export const aliveFile = 'alive.json'
const aliveInterval = 5000
const mostConnections = 20

export class ControlServer {
  private readonly folder: string
  private readonly log: Log
  private readonly handler: ControlHandler
  private server: Server | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(folder: string, log: Log, handler: ControlHandler) {
    this.folder = folder
    this.log = log
    this.handler = handler
  }

  /** Whether it listens. Never rejects: without a control socket the mail goes on. */
  async start(): Promise<boolean> {
    try {
      const other = await askGateway(this.folder, { command: 'hello' })
      if (other !== undefined) {
        throw new Error(`another gateway, ${JSON.stringify(other)}, uses this queue folder`)
      }
      await this.listen()
      this.signOfLife()
      return true
    } catch (error) {
      this.log.error(
        `no control socket in ${this.folder}: ${errorText(error)}; mail goes on, \`address-space queue\` can only read`,
      )
      return false
    }
  }

  /** At the end of the process; nothing is waited for. */
  stop(): void {
    clearInterval(this.timer)
    if (!this.server) return
    this.server.close()
    this.server = undefined
    for (const name of ['socket', aliveFile]) rmSync(join(this.folder, name), { force: true })
  }

  private async listen(): Promise<void> {
    const { path, close } = socketPath(this.folder)
    try {
      rmSync(path, { force: true })
      const server = createServer((socket) => this.serve(socket))
      server.maxConnections = mostConnections
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, () => {
          server.off('error', reject)
          resolve()
        })
      })
      server.on('error', (error) => this.log.error(`control socket: ${errorText(error)}`))
      server.unref()
      chmodSync(path, 0o600)
      this.keepOwner(path)
      this.server = server
    } finally {
      close()
    }
  }

  /** With `nodes` the first process stays root: the user whose folder it is may ask, too. */
  private keepOwner(path: string): void {
    if (process.getuid?.() !== 0) return
    const { uid, gid } = statSync(this.folder)
    chownSync(path, uid, gid)
  }

  private signOfLife(): void {
    const path = join(this.folder, aliveFile)
    const write = (): void => {
      writeFileSync(path, `${JSON.stringify({ pid: process.pid, host: hostname() })}\n`)
    }
    write()
    this.timer = setInterval(() => {
      try {
        const now = new Date()
        utimesSync(path, now, now)
      } catch {
        // the folder may have been removed, or stands on a disk that is full
      }
    }, aliveInterval).unref()
  }

  private serve(socket: Socket): void {
    socket.unref()
    const chunks: Buffer[] = []
    let length = 0
    socket.setTimeout(controlTimes.request, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    const take = (chunk: Buffer): void => {
      chunks.push(chunk)
      length += chunk.length
      if (length > longestRequest) {
        socket.off('data', take)
        say(socket, { ok: false, error: `expected at most ${longestRequest} octets, got more` })
        socket.end()
        return
      }
      if (!chunk.includes(0x0a)) return
      socket.off('data', take)
      socket.setTimeout(0)
      void this.answer(socket, Buffer.concat(chunks).toString())
    }
    socket.on('data', take)
  }

  private async answer(socket: Socket, text: string): Promise<void> {
    try {
      const request = readRequest(text)
      const result = await this.handler(request, (done, of) =>
        say(socket, { progress: [done, of] }),
      )
      say(socket, { ok: true, result })
    } catch (error) {
      say(socket, { ok: false, error: errorText(error) })
    }
    socket.setTimeout(controlTimes.answer, () => socket.destroy())
    socket.end()
  }
}

function readRequest(text: string): ControlRequest {
  const { version, ...request } = JSON.parse(text) as { version?: unknown } & ControlRequest
  if (version === protocolVersion) return request
  throw new Error(
    `expected version ${protocolVersion} of the control protocol, got ${String(version)}: ` +
      'the package was changed while the gateway ran; restart Haraka',
  )
}

function say(socket: Socket, answer: ControlAnswer): void {
  if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`)
}
