/**
 * The configuration of the pack as a whole: the files of the enabled parts, read together with every
 * error of all of them at once, and the mail switch over them. Haraka's plugins and the command line
 * both begin here.
 *
 * Where the lines come from is the caller's: Haraka's own reader, or the install's folder.
 */
import {
  acceptedDomainsFile,
  parseAcceptedDomains,
  type AcceptedDomainsConfig,
} from './accepted-domains-config.js'
import { ConfigError } from '../config/settings.js'
import {
  connectorsFile,
  parseConnectorsConfig,
  type ConnectorsConfig,
} from './connectors-config.js'
import { RouteTable } from './route.js'
import { directoryFile, parseDirectoryConfig, type DirectoryConfig } from '../directory/config.js'
import type { DirectorySet } from '../directory/open.js'
import { crossCheck } from './cross-check.js'
import type { SwitchParts } from './mail-switch.js'

/** Each is a line of `config/plugins`, behind `address-space/`. */
export const allParts = ['accepted-domains', 'contacts', 'connectors'] as const
export type Part = (typeof allParts)[number]

/** What was read; a file that no enabled part needs, or an optional one that is missing, is absent. */
export interface Configuration {
  readonly acceptedDomains: AcceptedDomainsConfig | undefined
  readonly directories: DirectoryConfig | undefined
  readonly connectors: ConnectorsConfig | undefined
}

/** What the connectors give to the switch, besides their routes. */
export type NextSystems = Omit<NonNullable<SwitchParts['connectors']>, 'routes'>

export interface Files {
  /** the lines of a file of `config/`; none if it is missing */
  lines(name: string): string[]
  /** whether an IP address and port are where this gateway listens */
  readonly isSelf: (ip: string, port: number) => boolean
}

/** Reads what the parts need. Throws ConfigError with every error of all files. */
export function readConfiguration(parts: readonly Part[], files: Files): Configuration {
  const errors: string[] = []
  const unread = new Set<string>()
  const read = <T>(name: string, required: boolean, parse: (lines: string[]) => T) => {
    const lines = files.lines(name)
    if (lines.length === 0 && !required) return undefined
    try {
      return parse(lines)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      errors.push(...error.errors)
      unread.add(name)
      return undefined
    }
  }
  const decides = parts.includes('accepted-domains')
  const follows = parts.includes('contacts')
  const looksUp = decides || follows
  const configuration = {
    acceptedDomains: looksUp ? read(acceptedDomainsFile, decides, parseAcceptedDomains) : undefined,
    directories: looksUp ? read(directoryFile, follows, parseDirectoryConfig) : undefined,
    connectors: parts.includes('connectors')
      ? read(connectorsFile, true, parseConnectorsConfig)
      : undefined,
  }
  const { acceptedDomains, directories, connectors } = configuration
  errors.push(
    ...crossCheck({
      acceptedDomains: decides ? acceptedDomains : undefined,
      connectors,
      directories: unread.has(directoryFile) ? undefined : (directories?.directories ?? []),
      isSelf: files.isSelf,
    }),
  )
  if (errors.length > 0) throw new ConfigError(errors)
  return configuration
}

/** The mail switch of the enabled parts. Connectors take part if there is a `nextSystems`. */
export function makeSwitch(
  parts: readonly Part[],
  { acceptedDomains, connectors }: Configuration,
  directories: Pick<DirectorySet, 'find' | 'mailboxPlace'> | undefined,
  nextSystems: NextSystems | undefined,
): SwitchParts {
  return {
    decidesDomains: parts.includes('accepted-domains'),
    contacts: parts.includes('contacts'),
    ...(acceptedDomains && { acceptedDomains }),
    ...(directories && {
      directories: {
        find: (address, elsewhere) => directories.find(address, elsewhere),
        mailboxPlace: (name, host) => directories.mailboxPlace(name, host),
      },
    }),
    ...(connectors &&
      nextSystems && {
        connectors: {
          routes: new RouteTable(connectors.connectors.values()),
          isFrom: (connector, client) => nextSystems.isFrom(connector, client),
          verify: (connector, recipient) => nextSystems.verify(connector, recipient),
        },
      }),
  }
}
