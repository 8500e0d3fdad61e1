/**
 * An install's configuration for a test MX: every smart host and mailbox host becomes a catcher on
 * this machine, each on an address of its own, so that loops show as they would in earnest. What
 * belongs to the real hosts (TLS, AUTH, bridgeheads) goes; everything else stays as written.
 *
 * Pure: lines in, text out. Throws ConfigError if a file has errors.
 */
import { readIni } from '../config/ini.js'
import { connectorsFile, parseConnectorsConfig } from '../decision/connectors-config.js'
import { placeKey } from '../mail/place.js'
import { directoryFile, parseDirectoryConfig } from '../directory/config.js'
import { hostName, hostsOfMailboxes, mailboxPlace } from '../directory/mailboxes.js'

export interface StandIn {
  /** the key of the place that it stands in for */
  readonly place: string
  readonly protocol: 'smtp' | 'lmtp'
}

export interface ConfigLines {
  readonly connectors: readonly string[]
  readonly directory: readonly string[]
}

const hostKeys = ['smart_hosts', 'tls', 'auth_user', 'auth_password_file', 'bridgeheads']

/** The catchers that the configuration needs, connectors first. */
export function standInsFor({ connectors, directory }: ConfigLines): StandIn[] {
  const names = [...parseConnectorsConfig(connectors).connectors.keys()]
  return [
    ...names.map((connector): StandIn => {
      return { place: placeKey({ kind: 'connector', connector }), protocol: 'smtp' }
    }),
    ...parseDirectoryConfig(directory).directories.flatMap((settings): StandIn[] => {
      const own = placeKey({ kind: 'mailbox-host', directory: settings.name })
      const places = hostsOfMailboxes(settings).map(({ place, host }) => {
        return { place: placeKey(place), protocol: host.protocol }
      })
      // mailboxes that another queue plugin would take need a catcher, too
      const left = mailboxPlace(settings) === undefined
      return left ? [{ place: own, protocol: 'lmtp' }, ...places] : places
    }),
  ]
}

/** The text of both files; `hosts` has the catcher of each place as a smart host is written. */
export function stagedConfig(
  { connectors, directory }: ConfigLines,
  hosts: ReadonlyMap<string, string>,
): { connectors: string; directory: string } {
  return {
    connectors: rewrite(connectorsFile, connectors, (connector) => {
      const host = hosts.get(placeKey({ kind: 'connector', connector }))
      return host === undefined ? undefined : { drop: hostKeys, add: stagedHost(host) }
    }),
    directory: rewrite(directoryFile, directory, (name, values) => {
      const [, listing] = /^(.*\S)\s+hosts$/u.exec(name) ?? []
      if (listing !== undefined) return stagedList(listing, values, hosts)
      const host = hosts.get(placeKey({ kind: 'mailbox-host', directory: name }))
      return host === undefined
        ? undefined
        : { drop: ['mailbox_host'], add: [`mailbox_host = ${host}`] }
    }),
  }
}

/** The catchers in the place of the listed hosts; connectors and `local` stay. */
function stagedList(
  directory: string,
  values: ReadonlyMap<string, unknown>,
  hosts: ReadonlyMap<string, string>,
): Change {
  const staged = [...values.keys()].flatMap((key) => {
    const place = placeKey({ kind: 'mailbox-host', directory, host: hostName(key) })
    const host = hosts.get(place)
    return host === undefined ? [] : [{ key, line: `${key} = ${host}` }]
  })
  return { drop: staged.map(({ key }) => key), add: staged.map(({ line }) => line) }
}

function stagedHost(host: string): string[] {
  return [`smart_hosts = ${host}`, 'tls = none']
}

interface Change {
  readonly drop: readonly string[]
  readonly add: readonly string[]
}

function rewrite(
  file: string,
  lines: readonly string[],
  changeOf: (section: string, values: ReadonlyMap<string, unknown>) => Change | undefined,
): string {
  const text: string[] = []
  for (const [section, values] of readIni(file, lines).sections) {
    const { drop = [], add = [] } = changeOf(section, values) ?? {}
    if (section !== '') text.push(`[${section}]`)
    for (const [key, written] of values) {
      if (drop.includes(key)) continue
      const [first, ...more] = written
      if (more.length === 0) text.push(`${key} = ${first?.text ?? ''}`)
      else text.push(...written.map((value) => `${key}[] = ${value.text}`))
    }
    text.push(...add)
  }
  return `${text.join('\n')}\n`
}
