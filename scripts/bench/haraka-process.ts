/**
 * A Haraka under load: an install in a temporary folder, its log in a file as in production, at the
 * level `notice` for every contestant.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../plugins/stage/free-port.js'
import { findHaraka, makeInstall, type InstallOptions } from '../../plugins/stage/staged-install.js'
import { dist } from '../build.js'
import { atExit } from '../servers/at-exit.js'
import { temporaryFolder } from '../servers/process.js'

const startTime = 60_000

export type HarakaOptions = Pick<InstallOptions, 'plugins' | 'config' | 'pluginFiles'> & {
  readonly name: string
  /** a built pack; absent: this one */
  readonly packageDir?: string
  /** processes that take mail; 0: one without a master */
  readonly nodes: number
  /** further options of Node, such as --cpu-prof */
  readonly nodeOptions?: readonly string[]
  /** a line of the log to wait for, besides those of the listeners */
  readonly ready?: RegExp
}

export class HarakaProcess {
  readonly dir: string
  readonly port: number
  private readonly child: ChildProcess
  private readonly notAtExit: () => void

  private constructor(dir: string, port: number, nodeOptions: readonly string[]) {
    this.dir = dir
    this.port = port
    const bin = join(findHaraka([__dirname]), 'bin', 'haraka')
    const log = openSync(this.logFile, 'a')
    this.child = spawn(process.execPath, [...nodeOptions, bin, '-c', dir], {
      cwd: dir,
      stdio: ['ignore', log, log],
      // what is in the environment for this program is not for Haraka
      env: { ...process.env, NODE_OPTIONS: '' },
      detached: true,
    })
    closeSync(log)
    this.notAtExit = atExit(() => this.signal('SIGKILL'))
  }

  get logFile(): string {
    return join(this.dir, 'haraka.log')
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  static async start(options: HarakaOptions): Promise<HarakaProcess> {
    const dir = temporaryFolder(`bench-${options.name.replaceAll(/\W+/gu, '-')}`)
    const port = await freePort('127.0.0.1')
    await makeInstall({
      packageDir: dist,
      ...options,
      dir,
      port,
      host: '127.0.0.1',
      haraka: findHaraka([__dirname]),
      logLevel: 'notice',
    })
    const haraka = new HarakaProcess(dir, port, options.nodeOptions ?? [])
    try {
      await haraka.listening(options)
    } catch (error) {
      await haraka.stop()
      throw error
    }
    return haraka
  }

  /** Entries in its queue. */
  async queued(): Promise<number> {
    return (await readdir(join(this.dir, 'queue'))).length
  }

  async stop(): Promise<void> {
    if (this.ended) {
      this.notAtExit()
      return
    }
    const closed = new Promise((resolve) => this.child.once('close', resolve))
    // Haraka tidies up at this one only
    this.signal('SIGINT')
    const timer = setTimeout(() => this.signal('SIGKILL'), 10_000)
    await closed
    clearTimeout(timer)
    this.notAtExit()
  }

  private async listening({ nodes, ready }: HarakaOptions): Promise<void> {
    const end = Date.now() + startTime
    for (;;) {
      const log = readFileSync(this.logFile, 'utf8')
      const listeners = log.match(nodes > 0 ? /worker \d+ listening on /gu : /Listening on /gu)
      const workers = Math.max(nodes, 1)
      const loaded = ready ? (log.match(new RegExp(ready, 'gu'))?.length ?? 0) : workers
      if ((listeners?.length ?? 0) >= workers && loaded >= workers) return
      if (this.ended || Date.now() > end) {
        throw new Error(`Haraka did not start:\n${log.split('\n').slice(-20).join('\n')}`)
      }
      await sleep(50)
    }
  }

  private get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  private signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
