/**
 * The directories of directory.ini, opened: what the rest of the pack asks.
 *
 * At a reload, directories whose section is unchanged keep their connections, cache and loaded
 * file; the others are replaced, and closed when the last lookup that still uses them has ended.
 * Hits, misses, stale answers and errors are counted, and logged every hour.
 */
import { errorStack } from '../basics/error-text.js'
import type { MailAddress } from '../mail/mail-address.js'
import type { Environment } from '../config/environment.js'
import type { Place } from '../mail/place.js'
import type { SmartHost } from '../mail/smart-host.js'
import { CachedDirectory } from './cached-directory.js'
import { UnderWay } from '../basics/under-way.js'
import { checkFiles } from './directory-file-errors.js'
import type { CacheSettings, DirectoryConfig, DirectorySettings } from './config.js'
import { findInDirectories } from './directories.js'
import { Failing } from './failing.js'
import type {
  CountedDirectory,
  Directory,
  DirectoryCounts,
  DirectoryState,
  Lookup,
} from './directory.js'
import { FileDirectory } from './file-directory.js'
import { LdapDirectory } from './ldap/ldap-directory.js'
import { hostOfMailbox, mailboxPlace } from './mailboxes.js'
import {
  ReplicaDirectory,
  type ReplicaRole,
  type ReplicaState,
} from './replica/replica-directory.js'

export interface DirectorySet {
  /** in the order asked */
  readonly names: readonly string[]
  /** Asks the directories in order; never rejects. `elsewhere`: all of them but that one. */
  find(address: MailAddress, elsewhere?: string): Promise<Lookup>
  /** where a mailbox of that directory goes, by its own host if it names one (mailboxes.ts) */
  mailboxPlace(directory: string, host?: string): Place | 'unlisted' | undefined
  /** the smart host of a place of that directory; undefined: it is not in the configuration now */
  mailboxHost(directory: string, host?: string): SmartHost | undefined
  /** Settles when every file has been tried once; a file that failed is told in the log. */
  ready(): Promise<void>
  /**
   * Takes over a new configuration; lookups under way end with the directories they began with.
   * Throws ConfigError as opening does; then nothing has changed.
   */
  reload(config: DirectoryConfig): void
  /** of every replica that there is */
  replicas(): readonly ReplicaState[]
  /** counts since the start, by directory */
  stats(): ReadonlyMap<string, DirectoryCounts>
  /** how each does now, in the order asked */
  states(): DirectoryState[]
  /** Ends connections, timers and lookups. */
  close(): Promise<void>
}

export interface OpenOptions {
  /** milliseconds between two looks at a file */
  readonly pollInterval?: number
  /** milliseconds that a changed file must have been left alone before it is read */
  readonly settleTime?: number
  /** milliseconds, for the cache */
  readonly clock?: () => number
  /** load a file when it is first asked for, as in a process that may never ask */
  readonly lazy?: boolean
  /** who reads the replicas: this process (the default), another one, or nobody yet */
  readonly replica?: ReplicaRole
  /** where what survives a restart is kept (config/state-folder.ts); undefined: nowhere */
  readonly stateDir?: string | undefined
}

interface Member {
  readonly settings: DirectorySettings
  readonly cache: CacheSettings
  readonly directory: CountedDirectory
}

const statsInterval = 3_600_000

/**
 * Opens the directories of a configuration that was read without errors. Throws ConfigError for
 * secrets and certificates that cannot be read.
 */
export function openDirectories(
  config: DirectoryConfig,
  env: Environment,
  options: OpenOptions = {},
): DirectorySet {
  checkFiles(config, env)
  return new OpenedDirectories(config, env, options)
}

class OpenedDirectories implements DirectorySet {
  names: readonly string[] = []
  private readonly env: Environment
  private readonly options: OpenOptions
  private members: readonly Member[] = []
  private directories: readonly Directory[] = []
  private readonly lookups = new UnderWay()
  private readonly failing = new Failing()
  private readonly timer: NodeJS.Timeout

  constructor(config: DirectoryConfig, env: Environment, options: OpenOptions) {
    this.env = env
    this.options = options
    this.use(this.newMembers(config, []))
    this.timer = setInterval(() => this.logStats(), statsInterval)
    this.timer.unref()
  }

  async find(address: MailAddress, elsewhere?: string): Promise<Lookup> {
    const begun = this.lookups.begin()
    try {
      const lookup = await findInDirectories(this.directories, address, elsewhere)
      this.failing.note(lookup, this.names)
      return lookup
    } catch (error) {
      // no DirectoryError: a fault of this program, and still no reason to lose mail
      this.env.log.crit(`directory: looking up ${address.key}: ${errorStack(error)}`)
      return { kind: 'failed', directory: '', reason: 'a fault in the lookup' }
    } finally {
      this.lookups.end(begun)
    }
  }

  mailboxPlace(name: string, host?: string): Place | 'unlisted' | undefined {
    const settings = this.settingsOf(name)
    return settings && mailboxPlace(settings, host)
  }

  mailboxHost(name: string, host?: string): SmartHost | undefined {
    const settings = this.settingsOf(name)
    return settings && hostOfMailbox(settings, host)
  }

  async ready(): Promise<void> {
    await Promise.all(this.members.map(({ directory }) => directory.ready()))
  }

  reload(next: DirectoryConfig): void {
    checkFiles(next, this.env)
    const before = this.members
    this.use(this.newMembers(next, before))
    const kept = new Set(this.members.map(({ directory }) => directory))
    const dropped = before.filter(({ directory }) => !kept.has(directory))
    void this.lookups.ended().then(() => closeAll(dropped))
  }

  replicas(): readonly ReplicaState[] {
    return this.members.flatMap(({ directory }) =>
      directory instanceof ReplicaDirectory ? (directory.state() ?? []) : [],
    )
  }

  stats(): ReadonlyMap<string, DirectoryCounts> {
    return new Map(
      this.members.map(({ settings, directory }) => [settings.name, { ...directory.counts }]),
    )
  }

  states(): DirectoryState[] {
    return this.members.map(({ settings: { name }, directory }) => {
      const contents = directory.contents?.()
      const failure = this.failing.of(name)
      return {
        name,
        counts: { ...directory.counts },
        ...(contents && { contents }),
        ...(failure && { failing: failure }),
      }
    })
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    this.logStats()
    await closeAll(this.members)
  }

  private use(members: readonly Member[]): void {
    this.members = members
    this.directories = members.map(({ directory }) => directory)
    this.names = members.map(({ settings }) => settings.name)
  }

  private settingsOf(name: string): DirectorySettings | undefined {
    return this.members.find(({ settings }) => settings.name === name)?.settings
  }

  /** Members of the configuration; those whose settings are the same go on. */
  private newMembers(
    { directories, cache }: DirectoryConfig,
    before: readonly Member[],
  ): readonly Member[] {
    return directories.map((settings) => {
      const identity = identityOf(settings, cache)
      const old = before.find((member) => identityOf(member.settings, member.cache) === identity)
      return { settings, cache, directory: old?.directory ?? this.open(settings, cache) }
    })
  }

  private open(settings: DirectorySettings, cache: CacheSettings): CountedDirectory {
    const { env, options } = this
    if (settings.kind === 'file') return new FileDirectory(settings, env, options)
    const { stateDir, clock, replica = 'read' } = options
    if (settings.mode === 'replica') {
      const { staleTtl } = cache
      return new ReplicaDirectory(settings, env, { role: replica, stateDir, staleTtl })
    }
    return new CachedDirectory(new LdapDirectory(settings, env, stateDir), cache, clock)
  }

  private logStats(): void {
    for (const { settings, directory } of this.members) {
      const { hits, misses, stale, errors } = directory.counts
      this.env.log.info(
        `directory [${settings.name}]: since the start ${hits} hits, ${misses} misses, ${stale} stale answers, ${errors} errors`,
      )
    }
  }
}

/** Equal where a directory need not be opened anew: all but where its mailboxes are. */
function identityOf(settings: DirectorySettings, cache: CacheSettings): string {
  return JSON.stringify([
    { ...settings, mailboxHost: undefined, mailboxConnector: undefined, hosts: undefined },
    settings.kind === 'ldap' && cache,
  ])
}

async function closeAll(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map(({ directory }) => directory.close()))
}
