/**
 * Haraka starts as root and changes to the user of smtp.ini; secrets are read again after that, at
 * every bind and every login. A secret that is root's alone works at the start, and not a day later.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'

import { idsOf } from '../../basics/user-ids.js'
import { connectorsFile } from '../../decision/connectors-config.js'
import { directoryFile } from '../../directory/config.js'
import type { Configuration } from '../../decision/configuration.js'
import type { Install } from '../opened-install.js'
import { wrong, type Finding } from '../../operations/finding.js'

export function checkSecretOwners(
  { configDir, user }: Install,
  { connectors, directories }: Configuration,
): Finding[] {
  const uid = user === '' ? undefined : uidOf(user)
  if (uid === undefined) return []
  const files: [where: string, file: string][] = [
    ...(directories?.directories ?? []).map((settings): [string, string] => [
      `${directoryFile} [${settings.name}] bind_password_file`,
      settings.kind === 'ldap' ? settings.bindPasswordFile : '',
    ]),
    ...[...(connectors?.connectors.values() ?? [])].map((connector): [string, string] => [
      `${connectorsFile} [${connector.name}] auth_password_file`,
      connector.authPasswordFile,
    ]),
    [`${connectorsFile} [main] loop_secret_file`, connectors?.loopSecretFile ?? ''],
  ]
  return files.flatMap(([where, file]) => {
    const owner = file === '' ? undefined : ownerOf(resolve(configDir, file))
    if (owner === undefined || owner === uid) return []
    return [
      wrong(
        where,
        `${file} does not belong to ${user}, the user of smtp.ini`,
        'Haraka reads it again when it is that user already, and then it cannot',
        `chown ${user} the file; its mode stays 600`,
      ),
    ]
  })
}

/** `undefined`: a missing file is a finding of its own, or is made at the start. */
function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

/** `undefined`: there is no such user, or no users as here. */
function uidOf(user: string): number | undefined {
  try {
    return idsOf(user).uid
  } catch {
    return undefined
  }
}
