/**
 * The HTTP server in a process of its own, so that requests cost the mail nothing: connections, parsing
 * and the limits of clients are that process's; only what is within the limits is asked of this one, which
 * has the gateway. It needs no rights, and what it takes of memory or brings down is its own.
 *
 * A process that ends is told and started anew; mail goes on. It ends with this one, however this one ends.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

import { errorText } from '../basics/error-text.js'
import type { UserIds } from '../basics/user-ids.js'
import type { Log } from '../config/environment.js'
import type { Listen } from '../operations/operations-config.js'
import type { Answer, Asked, Handler } from './http-server.js'

/** What the process is told, as its only argument. */
export interface HttpTask {
  readonly listen: Listen
  /** whom it changes to once it listens; absent: it stays who it is */
  readonly heir: UserIds | undefined
}

/** From the process. */
export type HttpMessage =
  | { readonly kind: 'asked'; readonly id: number; readonly asked: Asked }
  | { readonly kind: 'log'; readonly level: keyof Log; readonly text: string }
  /** it listens, or could not for the first time */
  | { readonly kind: 'tried' }

/** To the process; `answer` absent: there is none. */
export interface HttpReply {
  readonly id: number
  readonly answer?: Answer
}

// milliseconds
const anew = 10_000
// it holds requests and answers, and no more: MiB
const memory = ['--max-old-space-size=64', '--max-semi-space-size=2']

export class HttpProcess {
  private readonly task: HttpTask
  private readonly log: Log
  private readonly handler: Handler
  private child: ChildProcess | undefined
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(task: HttpTask, log: Log, handler: Handler) {
    this.task = task
    this.log = log
    this.handler = handler
  }

  /** Settles when it listens, has failed for the first time, or the process ended. Never rejects. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      try {
        this.child = this.begin(resolve)
      } catch (error) {
        this.ended(errorText(error), resolve)
      }
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    if (this.child?.connected) this.child.disconnect()
  }

  private begin(done: () => void): ChildProcess {
    const child = fork(join(__dirname, 'http-child.js'), [JSON.stringify(this.task)], {
      execArgv: memory,
    })
    child.unref()
    child.channel?.unref()
    child.on('message', (message: HttpMessage) => {
      if (message.kind === 'tried') done()
      else if (message.kind === 'log') this.log[message.level](message.text)
      else void this.answer(child, message)
    })
    child.on('error', (error) => {
      if (child.pid === undefined) this.ended(errorText(error), done)
      else this.log.error(`the status page's process: ${errorText(error)}; mail goes on`)
    })
    child.once('exit', (code, signal) => {
      this.ended(signal ? `it got ${signal}` : `exit code ${code ?? '?'}`, done)
    })
    return child
  }

  private ended(why: string, done: () => void): void {
    done()
    if (this.closed || this.timer) return
    this.log.error(
      `the status page's process ended: ${why}; mail goes on, the page in ${anew / 1000} seconds`,
    )
    this.timer = setTimeout(() => {
      this.timer = undefined
      void this.start()
    }, anew).unref()
  }

  private async answer(
    child: ChildProcess,
    { id, asked }: HttpMessage & { readonly kind: 'asked' },
  ): Promise<void> {
    let reply: HttpReply = { id }
    try {
      reply = { id, answer: await this.handler(asked) }
    } catch (error) {
      this.log.error(`the status page: ${asked.method} failed: ${errorText(error)}`)
    }
    // it may have ended meanwhile, which is told elsewhere
    if (child.connected) child.send(reply, () => undefined)
  }
}
