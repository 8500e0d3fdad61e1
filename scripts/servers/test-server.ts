/**
 * What the test servers have in common: a folder of their own with configuration and data, a process
 * that can be stopped and started again with its data, and nothing left behind.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import type { ServerProcess } from './process.js'

export abstract class TestServer {
  protected readonly folder: string
  private process: ServerProcess | undefined

  protected constructor(folder: string) {
    this.folder = folder
  }

  /** The pid of its first process; 0 while it does not run. */
  get pid(): number {
    return this.process?.pid ?? 0
  }

  /** Starts it, or starts it again with its data. */
  async restart(): Promise<void> {
    await this.stop()
    this.process = this.launch()
    await this.ready(this.process)
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.process?.stop(signal)
    this.process = undefined
  }

  /** Stops it and removes its folder. */
  async remove(): Promise<void> {
    await this.stop(this.endsBy)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** A server whose children do not end with it has to end them itself: SIGTERM. */
  protected readonly endsBy: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'

  protected abstract launch(): ServerProcess

  /** Settles when it takes connections. */
  protected abstract ready(process: ServerProcess): Promise<void>

  protected file(...names: string[]): string {
    return join(this.folder, ...names)
  }
}
