/**
 * Whether an account sees the addresses of a directory at all. A server that does not let it search an
 * attribute answers "nothing found", exactly as for an address that is not there; so before the first "not
 * there" of a connection is believed, and again every minute, the server is asked for what must be there.
 *
 *   the filter finds no object for any address                   fault: nobody's address can be told
 *   an attribute of addresses: an object has it, and shows it    seen
 *                              has it, and does not show it      fault: it may be searched, not read
 *                              no object has it, others lack it  seen: nobody has it
 *                              neither                           fault: it may not be searched, unless the
 *                                                                server does not know the attribute
 *
 * An account that may see a part of the objects only is not noticed here: the server tells nothing of it.
 */
import { NotFilter, PresenceFilter, UnwillingToPerformError, type Filter } from 'ldapts'

import type { LdapSettings } from './ldap-settings.js'
import { attributesAsked } from '../filter-template.js'
import type { LdapConnection } from './connection.js'
import { describeFailure, failureOf, UnusableAnswer } from './failure.js'
import { filterForAny } from './filter.js'

// milliseconds that an answer is believed: that all is well, and that it is not
const goodFor = 60_000
const badFor = 5000

interface Seen {
  readonly until: number
  readonly answer: Promise<void>
}

export class Sight {
  private readonly settings: LdapSettings
  private readonly seen = new WeakMap<LdapConnection, Seen>()

  constructor(settings: LdapSettings) {
    this.settings = settings
  }

  /** Rejects with UnusableAnswer where "not there" must not be believed, and with what failed. */
  confirm(connection: LdapConnection, heard: () => void): Promise<void> {
    const known = this.seen.get(connection)
    if (known && performance.now() < known.until) return known.answer
    const answer = lookAround(connection, this.settings, heard)
    const keep = (time: number): void => {
      this.seen.set(connection, { until: performance.now() + time, answer })
    }
    // whoever asks meanwhile waits for the same answer
    keep(Number.POSITIVE_INFINITY)
    answer.then(
      () => keep(goodFor),
      (error: unknown) => keep(error instanceof UnusableAnswer ? badFor : 0),
    )
    return answer
  }
}

/** Asks once; `heard` is called for each answer of the server. Rejects as `confirm` does. */
export async function lookAround(
  connection: LdapConnection,
  settings: LdapSettings,
  heard: () => void = () => {},
): Promise<void> {
  const { baseDn, filter, schema, timeout } = settings
  const account = settings.bindDn === '' ? 'an anonymous client' : `"${settings.bindDn}"`
  const below = baseDn === '' ? 'in this server' : `below "${baseDn}"`
  const first: Find = async (one, attributes) => {
    try {
      const found = await connection.first(baseDn, 'sub', one, attributes, timeout)
      heard()
      return found
    } catch (error) {
      throw refusedOf(error, one)
    }
  }
  const asked = attributesAsked(filter)
  const own = [...schema.addresses, ...schema.otherwise]
  if (!(await first(filterForAny(filter), ['objectClass']))) {
    throw new UnusableAnswer(
      `no object with any address can be found ${below}: let ${account} search and read ${own.join(' and ')} there, and look at base_dn and filter; a directory without a single address is not believed`,
    )
  }
  for (const attribute of namesOf([...asked, ...own])) {
    const sight = await sightOf(attribute, first)
    if (sight.kind === 'hidden' && includes(own, attribute)) {
      throw new UnusableAnswer(
        `${sight.dn} has ${attribute} and does not show it: let ${account} read ${attribute} ${below}`,
      )
    }
    if (sight.kind !== 'unsearchable' || !includes(asked, attribute)) continue
    if (await isForeign(connection, attribute, timeout)) continue
    throw new UnusableAnswer(
      `${attribute} cannot be searched ${below}: let ${account} search and read it, or ask for other attributes (address_attributes, filter)`,
    )
  }
}

/** A server that refuses this search alone is well for others: known addresses go on. */
function refusedOf(error: unknown, filter: Filter): unknown {
  const isOfSearch = failureOf(error) === 'search' || error instanceof UnwillingToPerformError
  if (error instanceof UnusableAnswer || !isOfSearch) return error
  return new UnusableAnswer(
    `a search for what must be there, ${filter.toString()}, is refused: ${describeFailure(error)}; the account needs the right and the limits for it, and the attribute an index for presence`,
  )
}

type Find = (filter: Filter, attributes: readonly string[]) => ReturnType<LdapConnection['first']>

type SightOf =
  | { readonly kind: 'shown' | 'nobody' | 'unsearchable' }
  | { readonly kind: 'hidden'; readonly dn: string }

async function sightOf(attribute: string, first: Find): Promise<SightOf> {
  const present = new PresenceFilter({ attribute })
  const found = await first(present, [attribute])
  if (found) {
    const shown = Object.entries(found).some(
      ([name, value]) => name !== 'dn' && [value].flat().length > 0,
    )
    return shown ? { kind: 'shown' } : { kind: 'hidden', dn: found.dn }
  }
  // RFC 4511 4.5.1.7: what may not be searched is neither true nor false, and so is its contrary
  const lacking = await first(new NotFilter({ filter: present }), ['objectClass'])
  return { kind: lacking ? 'nobody' : 'unsearchable' }
}

/** Whether the server's schema has no such attribute; where it cannot be read, that is not known. */
async function isForeign(
  connection: LdapConnection,
  attribute: string,
  limit: number,
): Promise<boolean> {
  const any = new PresenceFilter({ attribute: 'objectClass' })
  const root = await connection.first('', 'base', any, ['subschemaSubentry'], limit)
  const place = String([root?.['subschemaSubentry'] ?? []].flat()[0] ?? '')
  if (place === '') return false
  const schema = await connection.first(place, 'base', any, ['attributeTypes'], limit)
  const types = [schema?.['attributeTypes'] ?? []].flat().map(String)
  return types.length > 0 && !types.some((type) => includes(namesOfType(type), attribute))
}

/** RFC 4512 4.1.2: `( OID NAME 'x' …` or `NAME ( 'x' 'y' ) …`. */
function namesOfType(type: string): string[] {
  const [head = ''] = type.split(/\b(?:DESC|OBSOLETE|SUP|EQUALITY|ORDERING|SUBSTR|SYNTAX)\b/u)
  const names = [...head.matchAll(/'([^']+)'/gu)].map(([, name = '']) => name)
  return [...names, ...(/\d+(?:\.\d+)+/u.exec(head) ?? [])]
}

function namesOf(names: readonly string[]): string[] {
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()]
}

function includes(names: readonly string[], name: string): boolean {
  // options such as ;lang-de make no other attribute
  const [plain = ''] = name.toLowerCase().split(';')
  return names.some((one) => one.toLowerCase() === plain)
}
