/**
 * The thread of the HTTP server (http-thread.ts); it knows nothing of the gateway but how to ask. Where
 * processors are short the mail goes first: on Linux a thread has a priority of its own.
 */
import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'

import { errorText } from '../basics/error-text.js'
import type { Log } from '../config/environment.js'
import type { Listen } from '../operations/operations-config.js'
import { HttpServer, type Answer, type Asked } from './http-server.js'
import { RecentAnswers } from './recent-answers.js'
import type { ThreadAnswer, ThreadMessage } from './http-thread.js'

const waiting = new Map<number, (answer: Answer) => void>()
// milliseconds: a search in the journal takes longest
const patience = 60_000
let last = 0

const failed: Answer = { status: 500, type: 'text/plain', body: 'it failed: see the log\n' }
const late: Answer = { status: 503, type: 'text/plain', body: 'the gateway does not answer\n' }

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message, [])
}

const logs =
  (level: keyof Log) =>
  (text: string): void =>
    say({ kind: 'log', level, text })

const log: Log = {
  debug: logs('debug'),
  info: logs('info'),
  notice: logs('notice'),
  warn: logs('warn'),
  error: logs('error'),
  crit: logs('crit'),
}

function ask(asked: Asked): Promise<Answer> {
  return new Promise((resolve) => {
    const id = ++last
    const settle = (answer: Answer): void => {
      clearTimeout(timer)
      waiting.delete(id)
      resolve(answer)
    }
    const timer = setTimeout(() => settle(late), patience)
    waiting.set(id, settle)
    say({ kind: 'asked', id, asked })
  })
}

function stepBack(): void {
  // elsewhere it would be the priority of the whole process
  if (process.platform !== 'linux') return
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch (error) {
    log.debug(`the status page keeps its priority: ${errorText(error)}`)
  }
}

stepBack()
parentPort?.on('message', ({ id, answer = failed }: ThreadAnswer) => waiting.get(id)?.(answer))

const answers = new RecentAnswers(ask)
void new HttpServer(workerData as Listen, log, (asked) => answers.to(asked))
  .start()
  .then(() => say({ kind: 'tried' }))
