/**
 * What the test servers have in common: a folder that goes away, and a child process that ends with
 * this one.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { atExit } from './at-exit.js'

const startTime = 30_000
const stopTime = 5000

/** A folder that is removed when this process ends, unless KEEP_TEMP is set. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  if (process.env['KEEP_TEMP']) return folder
  // what was just killed may still be writing
  atExit(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** Runs a program to its end and gives what it printed. Throws when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(program, args, { env: options.env ?? process.env })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
  return output
}

/** A server in the foreground of a child process. */
export class ServerProcess {
  output = ''
  private readonly child: ChildProcess
  private readonly notAtExit: () => void

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.notAtExit = atExit(() => this.child.kill('SIGKILL'))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Waits until the server takes connections. Throws with its output when it ends before. */
  async listening(port: number, host = '127.0.0.1'): Promise<void> {
    const end = Date.now() + startTime
    while (!(await accepts(port, host))) {
      if (this.ended || Date.now() > end) {
        throw new Error(`no server on ${host}:${port}:\n${this.output}`)
      }
      await sleep(20)
    }
  }

  /** Ends it and waits for that; what does not end is killed. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.ended) {
      this.notAtExit()
      return
    }
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), stopTime)
    await closed
    clearTimeout(timer)
    this.notAtExit()
  }

  private get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }
}

async function accepts(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
