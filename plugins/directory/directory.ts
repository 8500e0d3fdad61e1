/**
 * The port to a directory: where addresses resolve. A back-end (LDAP, CSVDE, LDIF) implements
 * `Directory`; `Directories` asks them in order.
 *
 * A back-end answers the entries that own the address. An empty answer is a statement: "not there".
 * What could not be found out is a `DirectoryError`, never an empty answer.
 */
import type { MailAddress } from '../mail/mail-address.js'

export interface DirectoryEntry {
  /** distinguished name, or file and line where there is none; for the log, not for replies */
  readonly dn: string
  /** keys (see MailAddress) of all its SMTP addresses, primary included */
  readonly addresses: readonly string[]
  /** the primary address (`SMTP:` in upper case, else `mail`), as written */
  readonly primary?: string
  /** `targetAddress` without its `SMTP:`, as written; absent if the attribute is absent or blank */
  readonly targetAddress?: string
  /** the host of its mailbox, as mailboxes.ts names it; absent: the directory's */
  readonly host?: string
  /** mail for `targetAddress` goes by way of `host` */
  readonly targetByHost?: true
  /** of class `contact`: it has no mailbox here, with or without a `targetAddress` */
  readonly isContact: boolean
}

export interface Directory {
  /** the section of directory.ini */
  readonly name: string
  /**
   * The entries one of whose own addresses equals the one asked: none, one, or — ambiguous — more.
   * Rejects with `DirectoryError` when it cannot find out. Settles within the directory's `timeout`.
   */
  find(address: MailAddress): Promise<readonly DirectoryEntry[]>
  /** Ends connections, watchers and timers. */
  close(): Promise<void>
}

/** What a directory was asked since it was opened. */
export interface DirectoryCounts {
  /** answered from memory */
  hits: number
  /** answered by asking a server */
  misses: number
  /** answered from memory though no longer fresh */
  stale: number
  /** could not answer */
  errors: number
}

/** What a directory has in memory as a whole. */
export interface DirectoryContents {
  readonly entries: number
  readonly addresses: number
  /** milliseconds since 1970 at which it was found to be as it is at its source */
  readonly asOf: number
  /** why a newer version is not in use; empty: nothing is wrong */
  readonly fault: string
}

/** An opened directory, as the pack holds it. */
export interface CountedDirectory extends Directory {
  readonly counts: DirectoryCounts
  /** absent or undefined: it is asked each time, or nothing is loaded */
  contents?(): DirectoryContents | undefined
  /** Settles when it can answer, or has found out why it cannot. */
  ready(): Promise<void>
}

/** The directory could not say; always temporary: the client hears 450 4.4.3. */
export class DirectoryError extends Error {
  readonly directory: string

  constructor(directory: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DirectoryError'
    this.directory = directory
  }
}

/** What all directories together say of one address. */
export type Lookup =
  | { readonly kind: 'found'; readonly directory: string; readonly entry: DirectoryEntry }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly directory: string; readonly dns: readonly string[] }
  | { readonly kind: 'failed'; readonly directory: string; readonly reason: string }

/**
 * Asks for one address; never rejects: not finding out is an answer of its own. `elsewhere`: all
 * directories but that one.
 */
export type FindAddress = (address: MailAddress, elsewhere?: string) => Promise<Lookup>

/** How a directory does, for who watches it. */
export interface DirectoryState {
  readonly name: string
  readonly counts: DirectoryCounts
  readonly contents?: DirectoryContents
  /** it could not say at the last lookup; `since`: milliseconds since 1970 */
  readonly failing?: { readonly reason: string; readonly since: number }
}
