/**
 * The directories of directory.ini, opened: what the rest of the pack asks.
 *
 * At a reload, directories whose section is unchanged keep their connections, cache and loaded
 * file; the others are replaced, and closed when the last lookup that still uses them has ended.
 * Hits, misses, stale answers and errors are counted, and logged every hour.
 */
import { errorStack, errorText } from '../basics/error-text.js'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { MailAddress } from '../mail/mail-address.js'
import type { Environment } from '../config/environment.js'
import { readSecretFile } from '../config/secret-file.js'
import { ConfigError } from '../config/settings.js'
import type { Place } from '../mail/place.js'
import type { SmartHost } from '../mail/smart-host.js'
import { CachedDirectory } from './cached-directory.js'
import {
  directoryFile,
  type CacheSettings,
  type DirectoryConfig,
  type DirectorySettings,
} from './config.js'
import { findInDirectories } from './directories.js'
import { Failing } from './failing.js'
import type { CountedDirectory, DirectoryCounts, DirectoryState, Lookup } from './directory.js'
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
  /** Asks the directories in order; never rejects. */
  /** `elsewhere`: all directories but that one */
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
  let members = newMembers(config, [])
  const underWay = new Set<Promise<Lookup>>()
  const failing = new Failing()
  const timer = setInterval(logStats, statsInterval)
  timer.unref()

  return {
    get names() {
      return members.map(({ settings }) => settings.name)
    },
    find(address, elsewhere) {
      const lookup = safeFind(address, elsewhere).finally(() => underWay.delete(lookup))
      underWay.add(lookup)
      return lookup
    },
    mailboxPlace: (name, host) => {
      const settings = settingsOf(name)
      return settings && mailboxPlace(settings, host)
    },
    mailboxHost: (name, host) => {
      const settings = settingsOf(name)
      return settings && hostOfMailbox(settings, host)
    },
    ready: async () => {
      await Promise.all(members.map(({ directory }) => directory.ready()))
    },
    reload(next) {
      checkFiles(next, env)
      const before = members
      members = newMembers(next, before)
      const kept = new Set(members.map(({ directory }) => directory))
      const dropped = before.filter(({ directory }) => !kept.has(directory))
      void Promise.allSettled(underWay).then(() => closeAll(dropped))
    },
    replicas: () =>
      members.flatMap(({ directory }) =>
        directory instanceof ReplicaDirectory ? (directory.state() ?? []) : [],
      ),
    stats: () =>
      new Map(members.map(({ settings, directory }) => [settings.name, { ...directory.counts }])),
    states: () =>
      members.map(({ settings: { name }, directory }) => {
        const contents = directory.contents?.()
        const failure = failing.of(name)
        return {
          name,
          counts: { ...directory.counts },
          ...(contents && { contents }),
          ...(failure && { failing: failure }),
        }
      }),
    close: async () => {
      clearInterval(timer)
      logStats()
      await closeAll(members)
    },
  }

  function settingsOf(name: string): DirectorySettings | undefined {
    return members.find(({ settings }) => settings.name === name)?.settings
  }

  async function safeFind(address: MailAddress, elsewhere?: string): Promise<Lookup> {
    try {
      const lookup = await findInDirectories(
        members.map(({ directory }) => directory),
        address,
        elsewhere,
      )
      failing.note(
        lookup,
        members.map(({ settings }) => settings.name),
      )
      return lookup
    } catch (error) {
      // no DirectoryError: a fault of this program, and still no reason to lose mail
      const reason = errorStack(error)
      env.log.crit(`directory: looking up ${address.key}: ${reason}`)
      return { kind: 'failed', directory: '', reason: 'a fault in the lookup' }
    }
  }

  /** Members of the configuration; those whose settings are the same go on. */
  function newMembers(
    { directories, cache }: DirectoryConfig,
    before: readonly Member[],
  ): Member[] {
    return directories.map((settings) => {
      const identity = identityOf(settings, cache)
      const old = before.find((member) => identityOf(member.settings, member.cache) === identity)
      return { settings, cache, directory: old?.directory ?? openDirectory(settings, cache) }
    })
  }

  function openDirectory(settings: DirectorySettings, cache: CacheSettings): CountedDirectory {
    switch (settings.kind) {
      case 'file':
        return new FileDirectory(settings, env, options)
      case 'ldap':
        if (settings.mode === 'replica') {
          return new ReplicaDirectory(settings, env, {
            role: options.replica ?? 'read',
            stateDir: options.stateDir,
            staleTtl: cache.staleTtl,
          })
        }
        return new CachedDirectory(
          new LdapDirectory(settings, env, options.stateDir),
          cache,
          options.clock,
        )
    }
  }

  function logStats(): void {
    for (const { settings, directory } of members) {
      const { hits, misses, stale, errors } = directory.counts
      env.log.info(
        `directory [${settings.name}]: since the start ${hits} hits, ${misses} misses, ${stale} stale answers, ${errors} errors`,
      )
    }
  }
}

function checkFiles(config: DirectoryConfig, env: Environment): void {
  const errors = directoryFileErrors(config, env)
  if (errors.length > 0) throw new ConfigError(errors)
}

/**
 * What is wrong with the secrets and certificates that a configuration names. They are read again
 * when they are used; a mistake shows here, before mail depends on it.
 */
export function directoryFileErrors({ directories }: DirectoryConfig, env: Environment): string[] {
  const errors: string[] = []
  for (const settings of directories) {
    if (settings.kind !== 'ldap') continue
    const { name, bindPasswordFile, tlsCaFile } = settings
    const check = (key: string, file: string, read: () => unknown): void => {
      try {
        if (file !== '') read()
      } catch (error) {
        const reason = errorText(error)
        errors.push(`${directoryFile} [${name}] ${key}: ${reason}`)
      }
    }
    const { configDir } = env
    check('bind_password_file', bindPasswordFile, () => readSecretFile(configDir, bindPasswordFile))
    check('tls_ca_file', tlsCaFile, () => readFileSync(resolve(configDir, tlsCaFile)))
  }
  return errors
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
