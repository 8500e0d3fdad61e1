/** A digest of the settings that decide what a replica holds: with others a snapshot is of no use. */
import { createHash } from 'node:crypto'

import type { LdapSettings } from '../ldap/ldap-settings.js'

export function settingsDigest({ baseDn, bindDn, filter, schema }: LdapSettings): string {
  const text = JSON.stringify([baseDn, bindDn, filter, schema])
  return createHash('sha256').update(text).digest('base64url')
}
