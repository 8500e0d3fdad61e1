/**
 * Turns at a host: so many questions at a time, the others in the order they came, and no more in the
 * line than a bound. Questions about made-up addresses must not take the sessions that mail needs.
 */
interface Line {
  running: number
  readonly waiting: Set<() => void>
}

/** Nobody was asked: too many wait, or the turn did not come in time. */
export class NoTurnError extends Error {
  override readonly name = 'NoTurnError'
}

export class Turns {
  private readonly lines = new Map<string, Line>()
  private readonly longest: number

  /** `longest`: how many may wait for one host. */
  constructor(longest = 1000) {
    this.longest = longest
  }

  /**
   * Has `work` done when it is its turn; `most` says how many may be at it now. `until`: milliseconds
   * since 1970. Rejects with NoTurnError, or as the work does.
   */
  async run<T>(key: string, most: () => number, until: number, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(key) ?? { running: 0, waiting: new Set() }
    this.lines.set(key, line)
    if (line.running < most()) line.running += 1
    else await this.turn(line, until)
    try {
      return await work()
    } finally {
      line.running -= 1
      this.serve(key, line, most)
    }
  }

  private serve(key: string, line: Line, most: () => number): void {
    for (const next of line.waiting) {
      if (line.running >= most()) return
      line.waiting.delete(next)
      line.running += 1
      next()
    }
    if (line.running === 0) this.lines.delete(key)
  }

  private turn({ waiting }: Line, until: number): Promise<void> {
    if (waiting.size >= this.longest) {
      return Promise.reject(new NoTurnError(`${waiting.size} questions wait for it already`))
    }
    return new Promise((resolve, reject) => {
      const granted = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(
        () => {
          waiting.delete(granted)
          reject(new NoTurnError('expected a turn in time: many questions wait'))
        },
        Math.max(0, until - Date.now()),
      )
      waiting.add(granted)
    })
  }
}
