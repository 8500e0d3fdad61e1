/**
 * The clients that are connected now. At a shutdown what they have under way ends first: a directory that is
 * closed before would answer their next RCPT with `450`.
 */
import type { HarakaConnection, HarakaPlugin } from '../haraka/haraka.js'
import { hook } from '../haraka/hook.js'
import { carryOn } from '../haraka/replies.js'

// a client's next command is not waited for so long; Haraka ends the process after 30 s
const seconds = 1

export class OpenClients {
  private readonly open = new Set<HarakaConnection>()
  private readonly waiting = new Set<() => void>()

  /** Counts from now on, by hooks of this plugin. */
  watch(plugin: HarakaPlugin): void {
    const countIn = hook('connect_init', seconds, ({ connection }) => {
      this.open.add(connection)
      return carryOn
    })
    const countOut = hook('disconnect', seconds, ({ connection }) => {
      this.open.delete(connection)
      if (this.open.size === 0) for (const tell of this.waiting) tell()
      return carryOn
    })
    Object.assign(plugin, { countIn, countOut })
    plugin.register_hook('connect_init', 'countIn')
    plugin.register_hook('disconnect', 'countOut')
  }

  /** Settles when none is left, or after that many milliseconds. */
  gone(milliseconds: number): Promise<void> {
    if (this.open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, milliseconds).unref()
      this.waiting.add(done)
    })
  }
}
