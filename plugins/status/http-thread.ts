/**
 * The HTTP server in a thread of its own, so that requests cost the mail nothing: connections, parsing
 * and the limits of clients are that thread's; only what is within the limits is asked of this one,
 * which has the gateway.
 *
 * A thread that fails is told and started anew; mail goes on.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { errorText } from '../basics/error-text.js'
import type { Log } from '../config/environment.js'
import type { Listen } from '../operations/operations-config.js'
import type { Answer, Asked, Handler } from './http-server.js'

/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'asked'; readonly id: number; readonly asked: Asked }
  | { readonly kind: 'log'; readonly level: keyof Log; readonly text: string }
  /** it listens, or could not for the first time */
  | { readonly kind: 'tried' }

/** To the thread; `answer` absent: there is none. */
export interface ThreadAnswer {
  readonly id: number
  readonly answer?: Answer
}

// milliseconds
const anew = 10_000

export class HttpThread {
  private readonly listen: Listen
  private readonly log: Log
  private readonly handler: Handler
  private worker: Worker | undefined
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(listen: Listen, log: Log, handler: Handler) {
    this.listen = listen
    this.log = log
    this.handler = handler
  }

  /** Settles when it listens, has failed for the first time, or the thread ended. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const worker = new Worker(join(__dirname, 'http-worker.js'), {
        workerData: this.listen,
        resourceLimits: { maxOldGenerationSizeMb: 128 },
      })
      this.worker = worker
      worker.unref()
      worker.on('message', (message: ThreadMessage) => {
        if (message.kind === 'tried') resolve()
        else if (message.kind === 'log') this.log[message.level](message.text)
        else void this.answer(worker, message)
      })
      worker.on('error', (error) => {
        this.log.error(`the status page's thread failed: ${errorText(error)}; mail goes on`)
      })
      worker.on('exit', () => {
        resolve()
        if (this.closed) return
        this.timer = setTimeout(() => void this.start(), anew).unref()
      })
    })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    void this.worker?.terminate()
  }

  private async answer(
    worker: Worker,
    { id, asked }: ThreadMessage & { readonly kind: 'asked' },
  ): Promise<void> {
    let reply: ThreadAnswer = { id }
    try {
      reply = { id, answer: await this.handler(asked) }
    } catch (error) {
      this.log.error(`the status page: ${asked.method} failed: ${errorText(error)}`)
    }
    worker.postMessage(reply, [])
  }
}
