/**
 * Where the mailboxes of a directory are: its `mailbox_host` or `mailbox_connector`, or, for an
 * object that names its own host, what the section `[DIRECTORY hosts]` says of that host.
 *
 * Only hosts of that list are ever connected to: who may write to the directory does not choose
 * where this gateway sends mail. A host that is not listed is a fault (450 4.3.5), no unknown user.
 */
import type { Place } from '../mail/place.js'
import { parseSmartHost, type SmartHost } from '../mail/smart-host.js'

/** What a line of `[DIRECTORY hosts]` says. */
export type ListedHost =
  | { readonly kind: 'host'; readonly host: SmartHost }
  | { readonly kind: 'connector'; readonly connector: string }
  /** this directory's own mailbox host */
  | { readonly kind: 'local' }

export interface Mailboxes {
  readonly name: string
  /** undefined, and no connector: left to the queue plugin that follows */
  readonly mailboxHost: SmartHost | undefined
  /** empty: none */
  readonly mailboxConnector: string
  /** by the host's name in lower case, as the directory writes it */
  readonly hosts: ReadonlyMap<string, ListedHost>
}

export const listedHostForms =
  'a smart host such as [192.168.1.10] or lmtp://[192.168.1.11]:24, the name of a connector, or `local`'

/** Reads a value of `[DIRECTORY hosts]`; `undefined` if it is none. */
export function parseListedHost(text: string): ListedHost | undefined {
  if (text.toLowerCase() === 'local') return { kind: 'local' }
  const named = /^connector:(.+)$/iu.exec(text)?.[1]?.trim()
  // a bare word is no host that could be found in DNS
  const connector = named ?? (/^[a-z0-9_-]+$/iu.test(text) ? text : undefined)
  if (connector !== undefined) return { kind: 'connector', connector }
  const host = parseSmartHost(text)
  return host && { kind: 'host', host }
}

/**
 * The name under which a host is listed. Exchange writes a server as the end of a path
 * (`/o=Org/…/cn=EX01`) and a database as a DN (`CN=DB01,CN=…`): the name in it is meant.
 */
export function hostName(value: string): string {
  const path = /^\/.*\/cn=([^/]+)$/isu.exec(value)?.[1]
  const dn = /^cn=((?:\\.|[^,\\])+),/isu.exec(value)?.[1]
  return (path ?? dn ?? value).trim().toLowerCase()
}

/** Where a mailbox goes; `unlisted`: its host is in no list; undefined: to the next queue plugin. */
export function mailboxPlace(mailboxes: Mailboxes, host = ''): Place | 'unlisted' | undefined {
  const { name: directory, mailboxHost, mailboxConnector, hosts } = mailboxes
  const listed = host === '' ? { kind: 'local' as const } : hosts.get(host)
  if (!listed) return 'unlisted'
  switch (listed.kind) {
    case 'host':
      return { kind: 'mailbox-host', directory, host }
    case 'connector':
      return { kind: 'connector', connector: listed.connector }
    case 'local':
      if (mailboxConnector !== '') return { kind: 'connector', connector: mailboxConnector }
      return mailboxHost && { kind: 'mailbox-host', directory }
  }
}

/** The smart host of a place of this directory; undefined: it is not in the configuration now. */
export function hostOfMailbox(mailboxes: Mailboxes, host = ''): SmartHost | undefined {
  if (host === '') return mailboxes.mailboxHost
  const listed = mailboxes.hosts.get(host)
  return listed?.kind === 'host' ? listed.host : undefined
}

/** Every smart host of the directory, with the key of directory.ini and the place it stands for. */
export function hostsOfMailboxes(
  mailboxes: Mailboxes,
): { readonly where: string; readonly host: SmartHost; readonly place: Place }[] {
  const { name: directory, mailboxHost, hosts } = mailboxes
  return [
    ...(mailboxHost
      ? [
          {
            where: `[${directory}] mailbox_host`,
            host: mailboxHost,
            place: { kind: 'mailbox-host', directory } as const,
          },
        ]
      : []),
    ...[...hosts].flatMap(([name, listed]) =>
      listed.kind === 'host'
        ? [
            {
              where: `[${directory} hosts] ${name}`,
              host: listed.host,
              place: { kind: 'mailbox-host', directory, host: name } as const,
            },
          ]
        : [],
    ),
  ]
}

/** Connectors that the mailboxes need, with the key of directory.ini. */
export function connectorsOfMailboxes({
  name,
  mailboxConnector,
  hosts,
}: Mailboxes): { readonly where: string; readonly connector: string }[] {
  return [
    ...(mailboxConnector === ''
      ? []
      : [{ where: `[${name}] mailbox_connector`, connector: mailboxConnector }]),
    ...[...hosts].flatMap(([host, listed]) =>
      listed.kind === 'connector'
        ? [{ where: `[${name} hosts] ${host}`, connector: listed.connector }]
        : [],
    ),
  ]
}
