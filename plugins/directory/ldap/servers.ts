/**
 * The servers of one directory in the order written, and which of them are left alone for now.
 *
 * A server that fails rests: half a second first, twice as long each time, half a minute at most;
 * then it is tried again. Where there is no other server, a connection that was lost once makes no rest:
 * servers close idle and crowded connections and take the next one at once.
 */
import type { LdapServer } from './ldap-settings.js'

const firstRest = 500
const longestRest = 30_000

interface State {
  readonly server: LdapServer
  failures: number
  /** milliseconds of the clock */
  restsUntil: number
}

export class Servers {
  private readonly states: State[]
  private readonly clock: () => number

  constructor(servers: readonly LdapServer[], clock: () => number) {
    this.clock = clock
    this.states = servers.map((server) => ({ server, failures: 0, restsUntil: 0 }))
  }

  /** Those to try, in order. */
  available(): LdapServer[] {
    const now = this.clock()
    return this.states.filter(({ restsUntil }) => restsUntil <= now).map(({ server }) => server)
  }

  /** Whether a server other than this one can be tried. */
  hasOther(than: LdapServer): boolean {
    return this.available().some((server) => server !== than)
  }

  /** It answered a search. Says whether it had failed before. */
  worked(server: LdapServer): boolean {
    const state = this.stateOf(server)
    const failed = state.failures > 0
    state.failures = 0
    state.restsUntil = 0
    return failed
  }

  /** It could not be reached, refused, or said that it cannot now. Answers the rest, in milliseconds. */
  failed(server: LdapServer): number {
    const state = this.stateOf(server)
    state.failures += 1
    return this.rest(state, state.failures - 1)
  }

  /** A connection to it ended while searches were under way. Answers the rest, in milliseconds. */
  lostConnection(server: LdapServer): number {
    const state = this.stateOf(server)
    state.failures += 1
    if (this.hasOther(server)) return this.rest(state, state.failures - 1)
    return state.failures === 1 ? 0 : this.rest(state, state.failures - 2)
  }

  private rest(state: State, doublings: number): number {
    const rest = Math.min(firstRest * 2 ** doublings, longestRest)
    state.restsUntil = this.clock() + rest
    return rest
  }

  private stateOf(server: LdapServer): State {
    const state = this.states.find((candidate) => candidate.server === server)
    if (!state) throw new RangeError(`${server.url} is no server of this directory`)
    return state
  }
}
