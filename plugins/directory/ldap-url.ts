/**
 * The URL of an LDAP server as directory.ini has it, without a name or a filter behind it. Anything else is none:
 * whoever reads the setting says what was expected.
 */
export interface LdapServer {
  /** as written */
  readonly url: string
  /** TLS from the first octet */
  readonly secure: boolean
  readonly host: string
  readonly port: number
}

/** `ldap://host[:port]` or `ldaps://host[:port]`; `undefined` for anything else. */
export function parseLdapUrl(text: string): LdapServer | undefined {
  const match = /^(ldaps?):\/\/([^/?#@]+)\/?$/iu.exec(text)
  if (!match?.[1] || !URL.canParse(text)) return undefined
  const secure = match[1].toLowerCase() === 'ldaps'
  // as http: only for these a URL's host is checked and brought into one form
  const { hostname, port } = new URL(`http://${match[2] ?? ''}`)
  if (port === '0' || hostname === '') return undefined
  const written = /:(\d+)$/u.exec(match[2] ?? '')?.[1]
  return {
    url: text,
    secure,
    host: hostname.replace(/^\[|\]$/gu, ''),
    port: written === undefined ? (secure ? 636 : 389) : Number(written),
  }
}
