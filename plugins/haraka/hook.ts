/**
 * The one way in which Haraka calls the pack.
 *
 * Haraka does not await a hook: a rejected promise would end the server, a hook that never calls
 * `next` costs the client half a minute. Every hook of the pack is wrapped here: `next` is called
 * exactly once, a throw becomes a logged `450 4.3.0`, and so does a deadline below the plugin's own
 * time-out. A reply is never permanent because of a fault of ours.
 */
import { errorStack } from '../basics/error-text.js'
import type { HarakaConnection, HarakaPlugin, Next } from './haraka.js'
import { refuse, type HookAnswer } from './replies.js'

export type Hook<P> = (
  this: HarakaPlugin,
  next: Next,
  connection: HarakaConnection,
  params: P,
) => void

export interface HookCall<P> {
  readonly plugin: HarakaPlugin
  readonly connection: HarakaConnection
  readonly params: P
}

const temporary = refuse({ code: 450, enhanced: '4.3.0', text: 'temporary fault, try again later' })

/** `seconds`: the hook's deadline; shortened to stay below the plugin's time-out. */
export function hook<P>(
  name: string,
  seconds: number,
  handler: (call: HookCall<P>) => HookAnswer | Promise<HookAnswer>,
): Hook<P> {
  return function run(next, connection, params) {
    const bound = this.timeout > 0 ? Math.min(seconds, this.timeout * 0.9) : seconds
    let answered = false
    const answer = ({ code, message }: HookAnswer): void => {
      if (answered) return
      answered = true
      clearTimeout(deadline)
      next(code, message)
    }
    const fail = (error: unknown): void => {
      const text = errorStack(error)
      this.logcrit(`hook ${name} failed: ${text}`)
      answer(temporary)
    }
    let deadline: NodeJS.Timeout | undefined

    try {
      const result = handler({ plugin: this, connection, params })
      if (!(result instanceof Promise)) {
        answer(result)
        return
      }
      deadline = setTimeout(() => {
        this.logcrit(`hook ${name} took longer than ${bound} seconds`)
        answer(temporary)
      }, bound * 1000)
      // what Haraka does behind `next` runs within it; a throw there must not become a rejection
      result.then(answer, fail).catch(fail)
    } catch (error) {
      fail(error)
    }
  }
}
