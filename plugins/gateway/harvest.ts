/**
 * Slows down strangers who try out addresses, and ends their session: `[harvesting]` of
 * accepted-domains.ini.
 *
 * Every unknown recipient is answered as it always is, so that a sender with an old list learns whom it
 * may strike out; after `reject_after` of them the session hears 421 for whatever comes next. The delay
 * grows with each from the fourth on. Neither is for clients that may relay, nor for the systems of the
 * configuration: their queue would suffer for one stranger's mail.
 */
import type { HarvestRules } from '../decision/accepted-domains-config.js'
import type { Rule } from '../decision/decide.js'
import type { HarakaConnection } from '../haraka/haraka.js'
import type { Reply } from '../mail/reply.js'

export const harvestReply: Reply = {
  code: 421,
  enhanced: '4.7.0',
  text: 'too many unknown recipients in one session',
}

// unknown recipients of a session that cost no time: people mistype
const free = 3
// milliseconds; a client that waits five minutes for a reply (RFC 5321 4.5.3.2.3) never notices
const longest = 5000

const unknownRules: ReadonlySet<Rule> = new Set(['unknown', 'unknown-there', 'unusable-contact'])

interface Session {
  unknown: number
  /** one of the systems of the configuration; absent: not asked yet */
  isSystem?: boolean
}

export class Harvest {
  private readonly sessions = new WeakMap<HarakaConnection, Session>()

  /** Whether the session is over: nothing is looked up any more. */
  isOver(connection: HarakaConnection, { rejectAfter }: HarvestRules): boolean {
    const session = this.sessions.get(connection)
    if (!session || rejectAfter === 0 || connection.relaying) return false
    return session.unknown >= rejectAfter && session.isSystem === false
  }

  /** Counts a decision; milliseconds to wait before it is told. `isSystem` is asked once a session. */
  async count(
    connection: HarakaConnection,
    rule: Rule,
    { rejectAfter, delay }: HarvestRules,
    isSystem: () => Promise<boolean>,
  ): Promise<number> {
    if (connection.relaying || !unknownRules.has(rule)) return 0
    const session = this.sessions.get(connection) ?? { unknown: 0 }
    this.sessions.set(connection, session)
    session.unknown += 1
    const slow = delay > 0 && session.unknown > free
    const last = rejectAfter > 0 && session.unknown >= rejectAfter
    if (!slow && !last) return 0
    session.isSystem ??= await isSystem()
    return session.isSystem || !slow ? 0 : Math.min(longest, delay * (session.unknown - free))
  }
}
