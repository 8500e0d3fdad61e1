/**
 * Follows the gateway's log from now on and tells whether a recipient is decided in it: a file that
 * grows, or standard input.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

import { parseDecision } from '../stage/decision-log.js'

// milliseconds
const pollInterval = 200

export class DecisionWatch {
  private readonly recipients = new Set<string>()
  private readonly file: FileHandle | undefined
  private position: number
  private rest = ''
  private readonly stopReading: () => void

  private constructor(file: FileHandle | undefined, position: number, stopReading: () => void) {
    this.file = file
    this.position = position
    this.stopReading = stopReading
  }

  /** `log`: a file, which is read from its present end on; `-`: standard input. */
  static async start(log: string): Promise<DecisionWatch> {
    if (log !== '-') {
      const file = await open(log)
      return new DecisionWatch(file, (await file.stat()).size, () => undefined)
    }
    const lines = createInterface({ input: process.stdin })
    const watch = new DecisionWatch(undefined, 0, () => {
      lines.close()
      process.stdin.destroy()
    })
    lines.on('line', (line) => watch.take(line))
    return watch
  }

  /** Whether the recipient is decided within the time (milliseconds). */
  async saw(recipient: string, time: number): Promise<boolean> {
    const end = Date.now() + time
    for (;;) {
      await this.read()
      if (this.recipients.has(recipient.toLowerCase())) return true
      if (Date.now() > end) return false
      await sleep(pollInterval)
    }
  }

  close(): void {
    this.stopReading()
    void this.file?.close()
  }

  private async read(): Promise<void> {
    if (!this.file) return
    const { size } = await this.file.stat()
    // a log that was truncated begins anew
    if (size < this.position) this.position = 0
    const chunk = Buffer.alloc(size - this.position)
    if (chunk.length === 0) return
    const { bytesRead } = await this.file.read(chunk, 0, chunk.length, this.position)
    this.position += bytesRead
    const lines = (this.rest + chunk.toString('utf8', 0, bytesRead)).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.take(line)
  }

  private take(line: string): void {
    const decision = parseDecision(line)
    if (decision) this.recipients.add(decision.recipient.toLowerCase())
  }
}
