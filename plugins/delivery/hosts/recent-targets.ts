/**
 * Targets of the last second, for the next message to the same place: what there is to find out about a
 * host that is one address would be found out again for each of hundreds of messages.
 *
 * Only a target that the next message would get just so is kept: one host, and no secret or certificate, which
 * may be renewed at any moment. Several hosts share the load, so their order is another each time. Settings
 * that have changed count at once. Pure but for the clock.
 */
import { LRUCache } from 'lru-cache'

import type { Soon } from '../../basics/soon.js'
import type { Target } from './target.js'

interface Recent {
  readonly settings: unknown
  readonly target: Target
  /** by the clock */
  readonly until: number
}

// milliseconds
const life = 1000

export class RecentTargets {
  private readonly known = new LRUCache<string, Recent>({ max: 1000 })
  private readonly clock: () => number

  /** `clock`: milliseconds that only go forward */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock
  }

  /** That of the last second, if the settings are the same ones (`===`), or what `find` finds. */
  of(place: string, settings: unknown, find: () => Promise<Target>): Soon<Target> {
    const recent = this.known.get(place)
    if (recent && recent.settings === settings && this.clock() < recent.until) return recent.target
    return this.keep(place, settings, find())
  }

  private async keep(place: string, settings: unknown, found: Promise<Target>): Promise<Target> {
    const target = await found
    if (isAlwaysSo(target)) {
      this.known.set(place, { settings, target, until: this.clock() + life })
    }
    return target
  }
}

function isAlwaysSo({ endpoints, backups, credentials, identity }: Target): boolean {
  return endpoints.length === 1 && backups.length === 0 && !credentials && !identity?.tls
}
