/**
 * One address that somebody waits for. It is settled once: by an answer, by a failure, or by its
 * deadline, whichever comes first.
 */
import type { MailAddress } from '../../mail/mail-address.js'
import { DirectoryError, type DirectoryEntry } from '../directory.js'

export class Lookup {
  readonly address: MailAddress
  /** milliseconds of the clock */
  readonly deadline: number
  readonly answer: Promise<readonly DirectoryEntry[]>
  settled = false
  /** how often it was sent to a server */
  sent = 0
  /** not to be asked for together with others */
  alone = false
  private readonly directory: string
  private readonly timer: NodeJS.Timeout
  private fulfil: (entries: readonly DirectoryEntry[]) => void = () => {}
  private fail: (error: Error) => void = () => {}

  /** `late` is called at the deadline, `timeout` milliseconds from `now`. */
  constructor(
    directory: string,
    address: MailAddress,
    now: number,
    timeout: number,
    late: (lookup: Lookup) => void,
  ) {
    this.directory = directory
    this.address = address
    this.deadline = now + timeout
    this.timer = afterReading(timeout, () => late(this))
    this.answer = new Promise((resolve, reject) => {
      this.fulfil = resolve
      this.fail = reject
    })
  }

  resolve(entries: readonly DirectoryEntry[]): void {
    this.settle()
    this.fulfil(entries)
  }

  reject(reason: string): void {
    this.settle()
    this.fail(new DirectoryError(this.directory, reason))
  }

  private settle(): void {
    this.settled = true
    clearTimeout(this.timer)
  }
}

/**
 * A timer that lets the sockets be read first: after a pause of the whole process, answers that have
 * come meanwhile count.
 */
export function afterReading(milliseconds: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(callback), milliseconds)
}
