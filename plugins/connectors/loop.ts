/**
 * The loop field: what is handed to a connector carries a token for each recipient that goes there.
 *
 *   X-Address-Space-Loop: <gateway id>; <token> <token> …
 *
 * A token is an HMAC of connector and recipient under the loop secret: nothing can be read from it
 * and nobody else can make one. A message that comes back with the token of a recipient that would
 * go to the same connector again is a loop; another recipient, or one who became a mailbox, is not.
 * What a stranger puts into the field is not a token of ours and counts for nothing.
 *
 * RFC 2104 (HMAC), RFC 5321 6.3 (loop detection, Received fields).
 */
import { createHmac } from 'node:crypto'

export const loopFieldName = 'X-Address-Space-Loop'

const tokenLength = 22
const tokensPerField = 100
// ours is at most 100 × 23 octets and a host name; the newest field stands first
const longestField = 8192
const mostFields = 200

export class LoopTokens {
  private readonly secrets: readonly string[]

  /** The first secret signs; all of them are recognised (a change-over needs two). */
  constructor(secrets: readonly string[]) {
    this.secrets = secrets
  }

  /** Fields for what goes to the connector, each `name: value` without a line end. */
  fields(gatewayId: string, connector: string, recipientKeys: readonly string[]): string[] {
    const secret = this.secrets[0] ?? ''
    const tokens = recipientKeys.map((key) => token(secret, connector, key))
    const fields: string[] = []
    for (let at = 0; at < tokens.length; at += tokensPerField) {
      // folded, since a line may have 998 octets at most (RFC 5322 2.1.1)
      const part = tokens.slice(at, at + tokensPerField)
      const lines = chunk(part, 3).map((line) => line.join(' '))
      fields.push(`${loopFieldName}: ${gatewayId};\r\n\t${lines.join('\r\n\t')}`)
    }
    return fields
  }

  /** Reads the fields' values; the answer tells for a connector and recipient whether it was there. */
  reader(values: readonly string[]): (connector: string, recipientKey: string) => boolean {
    const seen = new Set<string>()
    for (const value of values.slice(0, mostFields)) {
      if (value.length > longestField) continue
      const tokens = value.slice(value.indexOf(';') + 1).match(/[\w-]+/gu) ?? []
      for (const text of tokens) if (text.length === tokenLength) seen.add(text)
    }
    if (seen.size === 0) return () => false
    return (connector, key) =>
      this.secrets.some((secret) => seen.has(token(secret, connector, key)))
  }
}

function token(secret: string, connector: string, recipientKey: string): string {
  const hmac = createHmac('sha256', secret).update(`${connector}\0${recipientKey}`)
  return hmac.digest('base64url').slice(0, tokenLength)
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size))
}
