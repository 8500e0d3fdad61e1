/**
 * Answers of the last moment, for who asks the same again: the page, the metrics, the health. A client that
 * asks for the page thirty times a second then takes from the mail what one that asks twice does.
 *
 * The same is asked only by the same client with the same fields, so nobody gets what is not his. What is
 * done to the gateway is seen at once: it forgets all answers.
 */
import { LRUCache } from 'lru-cache'

import type { Answer, Asked } from './http-server.js'

// milliseconds
const life = 500
const most = 20
const paths = new Set(['/', '/status.json', '/metrics', '/healthz/live', '/healthz/ready'])

export class RecentAnswers {
  private readonly ask: (asked: Asked) => Promise<Answer>
  private readonly answers: LRUCache<string, Promise<Answer>>

  /** `ask`: who answers; never rejects. `clock`: milliseconds that only go forward. */
  constructor(
    ask: (asked: Asked) => Promise<Answer>,
    clock: () => number = () => performance.now(),
  ) {
    this.ask = ask
    this.answers = new LRUCache({
      max: most,
      ttl: life,
      ttlResolution: 0,
      perf: { now: clock },
    })
  }

  async to(asked: Asked): Promise<Answer> {
    const { method, url, headers, remote } = asked
    if (method !== 'GET' && method !== 'HEAD') {
      this.answers.clear()
      return await this.ask(asked).finally(() => this.answers.clear())
    }
    if (!paths.has(url)) return await this.ask(asked)
    const key = JSON.stringify([method, url, remote, headers])
    const known = this.answers.get(key)
    if (known) return await known
    const answer = this.ask(asked)
    this.answers.set(key, answer)
    return await answer
  }
}
