/**
 * A real Haraka in a process group of its own, started in an install and watched through its log.
 *
 * `start` settles when every process listens; if Haraka ends instead, it rejects with the last lines
 * of the log. Nothing here sleeps for a guessed time: each wait is for a condition and has an end.
 * Whatever is still running when this process exits is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { inTime } from '../basics/in-time.js'

export interface GatewayOptions {
  /** the folder of the install */
  readonly dir: string
  /** the folder of Haraka's own package */
  readonly haraka: string
  readonly host: string
  readonly port: number
  readonly nodes: number
  readonly env?: NodeJS.ProcessEnv
}

export interface QueueFile {
  readonly name: string
  /** what Haraka wrote about the entry: rcpt_to, mail_from, domain, notes … */
  readonly todo: Record<string, unknown>
  readonly message: Buffer
}

interface LogWaiter {
  readonly pattern: RegExp
  readonly resolve: (match: RegExpExecArray) => void
  readonly reject: (error: Error) => void
}

const running = new Set<GatewayProcess>()
process.on('exit', () => {
  for (const gateway of running) gateway.signal('SIGKILL')
})

export class GatewayProcess {
  readonly dir: string
  readonly host: string
  readonly port: number
  readonly nodes: number
  /** every line that Haraka printed, over all starts */
  readonly logLines: string[] = []
  private readonly haraka: string
  private readonly env: NodeJS.ProcessEnv
  private child: ChildProcess | undefined
  private ended: Promise<void> = Promise.resolve()
  private readonly listeners: ((line: string) => void)[] = []
  private waiters: LogWaiter[] = []

  constructor(options: GatewayOptions) {
    this.dir = options.dir
    this.haraka = options.haraka
    this.host = options.host
    this.port = options.port
    this.nodes = options.nodes
    this.env = { ...process.env, ...options.env }
  }

  get configDir(): string {
    return join(this.dir, 'config')
  }

  /** The pid of Haraka's first process; `undefined` while it does not run. */
  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Everything that Haraka printed. */
  get log(): string {
    return this.logLines.join('\n')
  }

  /** Settles when Haraka has ended, whatever the reason. */
  get exited(): Promise<void> {
    return this.ended
  }

  /** Starts Haraka and waits until all its processes listen. */
  async start(timeout = 30_000): Promise<void> {
    if (this.child) throw new Error('expected a gateway that is stopped, it runs already')
    const from = this.logLines.length
    const bin = join(this.haraka, 'bin', 'haraka')
    const child = spawn(process.execPath, [bin, '-c', this.dir], {
      cwd: this.dir,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.child = child
    running.add(this)
    this.collect(child)
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(this)
        this.child = undefined
        this.fail(`Haraka ended (${signal ?? `exit code ${code}`})`)
        resolve()
      })
    })
    try {
      await this.waitForListeners(from, timeout)
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  /** Ends Haraka: the signal first, SIGKILL after `grace` milliseconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', grace = 5000): Promise<void> {
    this.signal(signal)
    const timer = setTimeout(() => this.signal('SIGKILL'), grace)
    await this.ended
    clearTimeout(timer)
  }

  /** Kills all its processes at once, as a power failure would. */
  kill(): Promise<void> {
    return this.stop('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** To the whole process group; nothing happens if it is gone. */
  signal(signal: NodeJS.Signals): void {
    if (this.child?.pid === undefined) return
    try {
      process.kill(-this.child.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Settles when Haraka has ended by itself or by a signal; rejects after `timeout` milliseconds. */
  async waitForExit(timeout = 10_000): Promise<void> {
    await inTime(this.ended, timeout, () => {
      throw this.logError(`expected Haraka to end within ${timeout} ms`)
    })
  }

  /**
   * The first line that matches, among those from line `from` of `logLines` on: what is there
   * already counts. Rejects with the end of the log if none comes in time or Haraka ends.
   */
  waitForLog(pattern: RegExp, timeout = 10_000, from = 0): Promise<RegExpExecArray> {
    for (let line = from; line < this.logLines.length; line++) {
      const match = pattern.exec(this.logLines[line] ?? '')
      if (match) return Promise.resolve(match)
    }
    if (!this.child) return Promise.reject(this.logError(`no line matches ${pattern}`))
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer)
        this.waiters = this.waiters.filter((other) => other !== waiter)
        then()
      }
      const waiter: LogWaiter = {
        pattern,
        resolve: (match) => settle(() => resolve(match)),
        reject: (error) => settle(() => reject(error)),
      }
      const timer = setTimeout(() => {
        waiter.reject(this.logError(`no line matches ${pattern} after ${timeout} ms`))
      }, timeout)
      this.waiters.push(waiter)
    })
  }

  /** Calls back for every line from now on. */
  onLine(listener: (line: string) => void): void {
    this.listeners.push(listener)
  }

  /** Writes a file of config/ whole; Haraka sees it as one change. */
  async writeConfig(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.configDir, name)
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
  }

  /**
   * The entries in Haraka's queue on disk, oldest first; those being written do not count. Haraka
   * renames an entry when it is put off, so a name that is gone means looking again.
   */
  async queue(): Promise<QueueFile[]> {
    const dir = join(this.dir, 'queue')
    for (;;) {
      const names = (await readdir(dir)).filter((name) => /^\d/u.test(name)).sort()
      const contents = await Promise.all(
        names.map((name) => readFile(join(dir, name)).catch(ignoreMissing)),
      )
      const files = names.flatMap((name, index) => {
        const content = contents[index]
        return content ? { name, ...readQueueFile(content) } : []
      })
      if (files.length === names.length) return files
    }
  }

  private collect(child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      let partial = ''
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (partial + chunk).split('\n')
        partial = lines.pop() ?? ''
        for (const line of lines) this.addLine(line)
      })
      stream?.on('end', () => {
        if (partial !== '') this.addLine(partial)
      })
    }
  }

  private addLine(line: string): void {
    this.logLines.push(line)
    for (const listener of this.listeners) listener(line)
    for (const waiter of this.waiters) {
      const match = waiter.pattern.exec(line)
      if (match) waiter.resolve(match)
    }
  }

  private async waitForListeners(from: number, timeout: number): Promise<void> {
    if (this.nodes === 0) {
      await this.waitForLog(/Listening on /u, timeout, from)
      return
    }
    for (let worker = 1; worker <= this.nodes; worker++) {
      await this.waitForLog(new RegExp(`worker ${worker} listening on `, 'u'), timeout, from)
    }
  }

  private fail(reason: string): void {
    for (const waiter of this.waiters) waiter.reject(this.logError(reason))
  }

  private logError(reason: string): Error {
    return new Error(`${reason}; the end of its log:\n${this.logLines.slice(-25).join('\n')}`)
  }
}

/** Haraka's queue file: the length of a JSON text in four bytes, the text, the message. */
function readQueueFile(content: Buffer): Omit<QueueFile, 'name'> {
  const end = 4 + content.readUInt32BE(0)
  return {
    todo: JSON.parse(content.toString('utf8', 4, end)) as Record<string, unknown>,
    message: content.subarray(end),
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
