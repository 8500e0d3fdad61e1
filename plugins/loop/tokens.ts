/**
 * The loop field: what is handed over carries a token for each recipient that goes there.
 *
 *   X-Address-Space-Loop: <gateway id>; <token> <token> …
 *
 * A token is an HMAC of way, recipient and mailing list under the loop secret: nothing can be read
 * from it and nobody else can make one. A message that comes back with the token of a recipient that
 * would go the same way again is a loop; another recipient, or one who became a mailbox, is not.
 * What a stranger puts into the field is not a token of ours and counts for nothing.
 *
 * The way is a place with its hosts (`wayTo`), so that gateways in a chain may have one secret and
 * call their connectors alike. A list's copy is another message: who is addressed directly and also
 * subscribes to a list of the next system gets both (RFC 2919; a list that resends its own copy
 * keeps its List-Id, and is found).
 *
 * docs/loops.md has the argument why no message circulates. RFC 2104 (HMAC), RFC 5321 6.3.
 */
import { createHmac } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { placeKey, type Place } from '../mail/place.js'
import { formatSmartHost, type SmartHost } from '../mail/smart-host.js'

export const loopFieldName = 'X-Address-Space-Loop'
export const listFieldName = 'List-Id'

const tokenLength = 22
const mostKnown = 10_000
const tokensPerField = 100
const tokensPerLine = 3
// ours is at most 100 × 23 octets and a host name; the newest field stands first
const longestField = 8192
const mostFields = 200
const longestListId = 255
const mostLists = 10

/** How the token calls a place: its name and the hosts that mail for it is handed to. */
export function wayTo(place: Place, hosts: readonly SmartHost[]): string {
  return [placeKey(place), ...hosts.map(formatSmartHost).sort()].join(' ')
}

/** The mailing lists that a message came through, from its List-Id fields; empty: none. */
export function listsOf(values: readonly string[]): string {
  if (values.length === 0) return ''
  const ids = values.slice(0, mostLists).flatMap((value) => /<([^<>]+)>/u.exec(value)?.[1] ?? [])
  const names = ids.map((id) => id.toLowerCase().replace(/\s/gu, '').slice(0, longestListId))
  return [...new Set(names)].sort().join(' ')
}

export class LoopTokens {
  private readonly secrets: readonly string[]
  /** tokens made before, by secret and what they name */
  private readonly made: ReadonlyMap<string, LRUCache<string, string>>

  /** The first secret signs; all of them are recognised (a change-over needs two). */
  constructor(secrets: readonly string[]) {
    this.secrets = secrets
    this.made = new Map(secrets.map((secret) => [secret, new LRUCache({ max: mostKnown })]))
  }

  /** Fields for what goes that way, each `name: value` without a line end. */
  fields(gatewayId: string, way: string, recipientKeys: readonly string[], lists = ''): string[] {
    const secret = this.secrets[0] ?? ''
    const tokens = recipientKeys.map((key) => this.token(secret, way, key, lists))
    const fields: string[] = []
    for (let at = 0; at < tokens.length; at += tokensPerField) {
      let field = `${loopFieldName}: ${gatewayId};`
      tokens.slice(at, at + tokensPerField).forEach((token, index) => {
        // folded, since a line may have 998 octets at most (RFC 5322 2.1.1)
        field += `${index % tokensPerLine === 0 ? '\r\n\t' : ' '}${token}`
      })
      fields.push(field)
    }
    return fields
  }

  /**
   * Reads the fields' values; the answer tells for a way and a recipient whether the message went
   * there. `undefined`: it went nowhere.
   */
  reader(
    values: readonly string[],
    lists = '',
  ): ((way: string, recipientKey: string) => boolean) | undefined {
    const seen = new Set<string>()
    for (const value of values.slice(0, mostFields)) {
      if (value.length > longestField) continue
      const tokens = value.slice(value.indexOf(';') + 1).match(/[\w-]+/gu) ?? []
      for (const text of tokens) if (text.length === tokenLength) seen.add(text)
    }
    if (seen.size === 0) return undefined
    return (way, key) =>
      this.secrets.some((secret) => seen.has(this.token(secret, way, key, lists)))
  }

  /** The same recipients come again and again. */
  private token(secret: string, way: string, recipientKey: string, lists: string): string {
    const memory = this.made.get(secret)
    const name = `${way}\n${recipientKey}\n${lists}`
    const known = memory?.get(name)
    if (known !== undefined) return known
    const token = makeToken(secret, JSON.stringify([way, recipientKey, lists]))
    memory?.set(name, token)
    return token
  }
}

function makeToken(secret: string, named: string): string {
  return createHmac('sha256', secret).update(named).digest('base64url').slice(0, tokenLength)
}
