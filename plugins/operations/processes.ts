/**
 * Haraka's processes as one gateway. With `nodes` the first process takes no mail and the others
 * do; whoever wants to know something of the gateway, or to do something to it, asks them all.
 *
 *   in every process    answer(topic, handler)   what this process knows or does
 *                       tell(topic, value)       to the first process, unasked
 *   in the first one    ask(topic, value)        an answer of each process that takes mail
 *                       hear(topic, listener)    what is told
 *
 * Values go through JSON. A process that does not answer in time, or dies meanwhile, is an answer
 * too: `ok: false`. Nothing here rejects or waits forever.
 */
import cluster, { type Worker } from 'node:cluster'

import { errorText } from '../basics/error-text.js'

export type Answer<T> =
  | { readonly pid: number; readonly ok: true; readonly value: T }
  | { readonly pid: number; readonly ok: false; readonly reason: string }

type Handler = (value: unknown) => unknown

interface Question {
  readonly kind: 'question'
  readonly id: number
  readonly topic: string
  readonly value: unknown
}

type Message =
  | Question
  | { readonly kind: 'answer'; readonly id: number; readonly ok: boolean; readonly value: unknown }
  | { readonly kind: 'news'; readonly topic: string; readonly value: unknown }

interface Waiting {
  readonly worker: number
  readonly settle: (answer: Answer<unknown>) => void
}

// another version of the pack, still running in a worker while Haraka restarts, uses another key
const envelope = 'address_space_1'
const defaultPatience = 2000

export class Processes {
  private static only: Processes | undefined
  private readonly handlers = new Map<string, Handler>()
  private readonly listeners = new Map<string, (pid: number, value: unknown) => void>()
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0

  private constructor() {
    if (cluster.isPrimary) {
      cluster.on('message', (worker, message) => this.fromWorker(worker, message))
      cluster.on('exit', (worker) => this.gone(worker))
    } else process.on('message', (message) => this.fromFirst(message))
  }

  /** There is one in a process, whoever asks. */
  static here(): Processes {
    Processes.only ??= new Processes()
    return Processes.only
  }

  /** Answers questions of this topic; the handler may throw, which is told to who asks. */
  answer(topic: string, handler: Handler): void {
    this.handlers.set(topic, handler)
  }

  /** Listens to what processes tell unasked. In the first process. */
  hear(topic: string, listener: (pid: number, value: unknown) => void): void {
    this.listeners.set(topic, listener)
  }

  /** Tells the first process, which may be this one. */
  tell(topic: string, value: unknown): void {
    if (cluster.isPrimary) this.listeners.get(topic)?.(process.pid, value)
    else if (process.connected) process.send?.({ [envelope]: { kind: 'news', topic, value } })
  }

  /** How many processes take mail now. */
  get count(): number {
    return Math.max(1, this.workers().length)
  }

  /**
   * Asks every process that takes mail: the workers, or this process if there are none.
   * `patience`: milliseconds. Never rejects.
   */
  async ask<T>(
    topic: string,
    value?: unknown,
    patience = defaultPatience,
  ): Promise<readonly Answer<T>[]> {
    const workers = this.workers()
    const answers =
      workers.length === 0
        ? [this.askHere(topic, value)]
        : workers.map((worker) => this.askWorker(worker, { topic, value, patience }))
    return (await Promise.all(answers)) as Answer<T>[]
  }

  private workers(): Worker[] {
    return Object.values(cluster.workers ?? {}).flatMap((worker) =>
      worker?.isConnected() ? [worker] : [],
    )
  }

  private async askHere(topic: string, value: unknown): Promise<Answer<unknown>> {
    const { pid } = process
    try {
      return { pid, ok: true, value: await this.handle(topic, value) }
    } catch (error) {
      return { pid, ok: false, reason: errorText(error) }
    }
  }

  private askWorker(
    worker: Worker,
    { topic, value, patience }: { topic: string; value: unknown; patience: number },
  ): Promise<Answer<unknown>> {
    const id = ++this.lastId
    const pid = worker.process.pid ?? 0
    return new Promise((resolve) => {
      const settle = (answer: Answer<unknown>): void => {
        clearTimeout(timer)
        this.waiting.delete(id)
        resolve(answer)
      }
      const fail = (reason: string): void => settle({ pid, ok: false, reason })
      const timer = setTimeout(() => fail(`no answer within ${patience} ms`), patience)
      this.waiting.set(id, { worker: worker.id, settle })
      const message: Message = { kind: 'question', id, topic, value }
      worker.send({ [envelope]: message }, (error) => {
        if (error) fail(errorText(error))
      })
    })
  }

  private fromWorker(worker: Worker, raw: unknown): void {
    const message = open(raw)
    const pid = worker.process.pid ?? 0
    if (message?.kind === 'news') this.listeners.get(message.topic)?.(pid, message.value)
    if (message?.kind !== 'answer') return
    const { id, ok, value } = message
    const answer: Answer<unknown> = ok
      ? { pid, ok, value }
      : { pid, ok: false, reason: String(value) }
    this.waiting.get(id)?.settle(answer)
  }

  private fromFirst(raw: unknown): void {
    const message = open(raw)
    if (message?.kind !== 'question') return
    void this.answerFirst(message)
  }

  private async answerFirst({ id, topic, value }: Question): Promise<void> {
    const answer = await this.askHere(topic, value)
    const said = answer.ok ? answer.value : answer.reason
    const reply: Message = { kind: 'answer', id, ok: answer.ok, value: said }
    if (process.connected) process.send?.({ [envelope]: reply })
  }

  private gone(worker: Worker): void {
    for (const { worker: id, settle } of this.waiting.values()) {
      if (id === worker.id) settle({ pid: worker.process.pid ?? 0, ok: false, reason: 'it ended' })
    }
  }

  private async handle(topic: string, value: unknown): Promise<unknown> {
    const handler = this.handlers.get(topic)
    if (!handler) throw new Error(`nothing in this process answers \`${topic}\``)
    return await handler(value)
  }
}

function open(raw: unknown): Message | undefined {
  if (typeof raw !== 'object' || raw === null || !(envelope in raw)) return undefined
  return raw[envelope] as Message
}
