/**
 * The process of the HTTP server (http-process.ts); it knows nothing of the gateway but how to ask. Where
 * processors are short the mail goes first: it has the lowest priority. It ends when nobody is there to ask.
 */
import { chownSync, readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

import { errorText } from '../basics/error-text.js'
import type { Log } from '../config/environment.js'
import { HttpServer, type Answer, type Asked } from './http-server.js'
import type { HttpMessage, HttpReply, HttpTask } from './http-process.js'
import { RecentAnswers } from './recent-answers.js'

const waiting = new Map<number, (answer: Answer) => void>()
// milliseconds: a search in the journal takes longest
const patience = 60_000
let last = 0

const failed: Answer = { status: 500, type: 'text/plain', body: 'it failed: see the log\n' }
const late: Answer = { status: 503, type: 'text/plain', body: 'the gateway does not answer\n' }

function say(message: HttpMessage): void {
  // nobody may be there any more; then this process ends
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
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

/** Root is needed for a port or a folder that only root may use; what clients send is not parsed as root. */
function giveUpRoot({ listen, heir }: HttpTask): void {
  if (!heir) return
  const { uid, gid } = heir
  if (listen.kind === 'socket') chownSync(listen.path, uid, gid)
  process.setgroups?.([gid])
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** After the start, which is work that somebody waits for. */
function stepBack(): void {
  // elsewhere than on Linux a process has one priority, there each of its threads
  const ids = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0]
  try {
    for (const id of ids) setPriority(id, constants.priority.PRIORITY_LOW)
  } catch (error) {
    log.debug(`the status page keeps its priority: ${errorText(error)}`)
  }
}

async function main(): Promise<void> {
  process.on('message', ({ id, answer = failed }: HttpReply) => waiting.get(id)?.(answer))
  process.on('disconnect', () => process.exit())
  // whoever ends Haraka's whole group ends Haraka; the page is there until it has ended
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  const task = JSON.parse(process.argv[2] ?? '') as HttpTask
  const answers = new RecentAnswers(ask)
  const opened = (): void => giveUpRoot(task)
  const server = new HttpServer(task.listen, log, (asked) => answers.to(asked), { opened })
  await server.start()
  stepBack()
  say({ kind: 'tried' })
}

void main()
