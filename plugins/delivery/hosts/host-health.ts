/**
 * Which hosts are left alone for now. A host that fails gets no mail for a while, longer with each
 * failure in a row; then one message tries it, and the others wait for how that ends. Pure but for
 * the clock that is passed in.
 */
interface Failing {
  /** in a row */
  failures: number
  /** milliseconds since 1970 */
  retryAt: number
  probing: boolean
}

/** What one message found out: `neutral` when it did not get as far as the host. */
export type Finding = 'well' | 'failed' | 'neutral'

const firstPause = 1000
const longestPause = 300_000
const mostHosts = 10_000

export class HostHealth {
  private readonly failing = new Map<string, Failing>()
  private readonly now: () => number

  constructor(now: () => number = Date.now) {
    this.now = now
  }

  /** Leave to use the host, with the function to report on it; `undefined`: not now. */
  claim(host: string): ((finding: Finding) => void) | undefined {
    const state = this.failing.get(host)
    if (state && (state.probing || this.now() < state.retryAt)) return undefined
    if (state) state.probing = true
    return (finding) => this.report(host, finding)
  }

  /** Hosts that are left alone, with the seconds until the next try. */
  stats(): Record<string, { failures: number; seconds: number }> {
    return Object.fromEntries(
      [...this.failing].map(([host, { failures, retryAt }]) => {
        return [host, { failures, seconds: Math.max(0, Math.ceil((retryAt - this.now()) / 1000)) }]
      }),
    )
  }

  private report(host: string, finding: Finding): void {
    const state = this.failing.get(host)
    if (finding === 'well') {
      this.failing.delete(host)
    } else if (finding === 'neutral') {
      if (state) state.probing = false
    } else if (!state) {
      if (this.failing.size >= mostHosts) this.forgetOldest()
      this.failing.set(host, { failures: 1, retryAt: this.now() + firstPause, probing: false })
    } else if (state.probing || this.now() >= state.retryAt) {
      // messages that were under way together are one failure, not many
      state.probing = false
      state.failures++
      state.retryAt = this.now() + Math.min(firstPause * 2 ** (state.failures - 1), longestPause)
    }
  }

  private forgetOldest(): void {
    const [oldest] = this.failing.keys()
    if (oldest !== undefined) this.failing.delete(oldest)
  }
}
