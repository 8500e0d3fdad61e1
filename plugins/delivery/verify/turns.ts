/**
 * Turns at a host: so many questions at a time, and no more in the line than a bound. Those with a
 * client that waits for the answer come first, in the order they came; then those that go on in the
 * background. Questions about made-up addresses must not take the sessions that mail needs.
 */
interface Waiting {
  /** by performance.now() */
  readonly urgentUntil: number
  readonly grant: () => void
}

interface Line {
  running: number
  readonly waiting: Set<Waiting>
}

/** By performance.now(): how long somebody waits for the answer, and when it is of no use. */
export interface Patience {
  readonly urgentUntil: number
  readonly until: number
  /** called when the host is really being asked, and not waited for */
  readonly begun?: () => void
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
   * Has `work` done when it is its turn; `most` says how many may be at it now. Rejects with
   * NoTurnError, or as the work does.
   */
  async run<T>(
    key: string,
    most: () => number,
    patience: Patience,
    work: () => Promise<T>,
  ): Promise<T> {
    const line = this.lines.get(key) ?? { running: 0, waiting: new Set() }
    this.lines.set(key, line)
    if (line.running < most()) line.running += 1
    else await this.turn(line, patience)
    try {
      return await work()
    } finally {
      line.running -= 1
      this.serve(key, line, most)
    }
  }

  private serve(key: string, line: Line, most: () => number): void {
    while (line.waiting.size > 0 && line.running < most()) {
      const now = performance.now()
      const [first] = line.waiting
      const next = [...line.waiting].find(({ urgentUntil }) => urgentUntil > now) ?? first
      if (!next) break
      line.waiting.delete(next)
      line.running += 1
      next.grant()
    }
    if (line.running === 0) this.lines.delete(key)
  }

  private turn({ waiting }: Line, { urgentUntil, until }: Patience): Promise<void> {
    if (waiting.size >= this.longest) {
      return Promise.reject(new NoTurnError(`${waiting.size} questions wait for it already`))
    }
    return new Promise((resolve, reject) => {
      const turn = {
        urgentUntil,
        grant: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      const timer = setTimeout(
        () => {
          waiting.delete(turn)
          reject(new NoTurnError('expected a turn in time: many questions wait'))
        },
        Math.max(0, until - performance.now()),
      )
      waiting.add(turn)
    })
  }
}
