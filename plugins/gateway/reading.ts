/**
 * The configuration of the files as it is about to be taken into use, and what is said of one that
 * cannot be. Nothing is taken into use here.
 */
import { errorText } from '../basics/error-text.js'
import { ConfigError } from '../config/settings.js'
import type { Log } from '../config/environment.js'
import { acceptedDomainsFile } from '../decision/accepted-domains-config.js'
import { readConfiguration, type Configuration, type Part } from '../decision/configuration.js'
import { directoryFile } from '../directory/config.js'
import type { ConfigFiles } from '../haraka/config-files.js'
import { identityErrors } from './identity-errors.js'
import { passwordErrors } from './password-errors.js'

/** A changed configuration that could not be taken into use. */
export interface FailedReload {
  /** milliseconds since 1970 */
  readonly at: number
  /** a line each */
  readonly errors: readonly string[]
}

export interface Source {
  readonly files: ConfigFiles
  readonly isSelf: (ip: string, port: number) => boolean
  /** called after every later change of a file */
  readonly changed: () => void
}

/** Reads and checks what the parts need, with the files that it names. Throws ConfigError. */
export function readParts(parts: readonly Part[], source: Source): Configuration {
  const { files, isSelf, changed } = source
  const config = readConfiguration(parts, { lines: (name) => files.lines(name, changed), isSelf })
  const { connectors } = config
  const errors = connectors
    ? [...passwordErrors(connectors, files), ...identityErrors(connectors, files)]
    : []
  if (errors.length > 0) throw new ConfigError(errors)
  return config
}

/**
 * Files that may be missing, but were there: being written anew, moved by mistake. Without its
 * directory a shared domain would send the mail of its own mailboxes to the other system.
 */
export function vanished(before: Configuration, now: Configuration): string[] {
  const files = { acceptedDomains: acceptedDomainsFile, directories: directoryFile } as const
  return (['acceptedDomains', 'directories'] as const)
    .filter((key) => before[key] && !now[key])
    .map(
      (key) =>
        `${files[key]}: expected the file that was read before, got nothing (a restart goes on without it)`,
    )
}

/** Tells the log why the configuration of before stays. */
export function reloadFailed(error: unknown, log: Log): FailedReload {
  const at = Date.now()
  if (!(error instanceof ConfigError)) {
    log.crit(`reading the configuration again failed: ${String(error)}`)
    return { at, errors: [errorText(error)] }
  }
  for (const line of error.errors) log.crit(line)
  log.crit('the last good configuration stays in force')
  return { at, errors: error.errors }
}
