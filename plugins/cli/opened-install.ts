/**
 * A Haraka install as the command line reads it: its configuration, and which parts of the pack its
 * `config/plugins` enables. Nothing in it is changed.
 *
 * Files are read as Haraka's own reader reads them; a missing one has no lines.
 */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

import type { Environment } from '../config/environment.js'
import { readIni } from '../config/ini.js'
import {
  allParts,
  readConfiguration,
  type Configuration,
  type Part,
} from '../decision/configuration.js'
import { selfTest } from '../haraka/listeners.js'
import { readSmtpIni } from '../haraka/smtp-ini.js'
import { installDir } from './install-dir.js'

export interface Install {
  readonly configDir: string
  /** the lines of `config/plugins` that load something, in order */
  readonly plugins: readonly string[]
  /** the parts of the pack that are enabled; all of them while none is */
  readonly parts: readonly Part[]
  /** whether `config/plugins` enables a plugin of the pack */
  readonly enabled: boolean
  /** whom Haraka changes to after it has started; empty: nobody */
  readonly user: string
  /** the gateway's name */
  readonly me: string
  lines(name: string): string[]
  /** the entries of a list file such as host_list */
  list(name: string): string[]
  isSelf(ip: string, port: number): boolean
}

/** The install that `--config` names. Throws if there is none. */
export function readInstall(given: string): Install {
  const configDir = join(installDir(given), 'config')
  const lines = (name: string): string[] => readLines(join(configDir, name))
  const list = (name: string): string[] =>
    lines(name)
      .map((line) => line.trim())
      .filter((line) => !/^([;#].*)?$/u.test(line))
  const plugins = list('plugins')
  const parts = allParts.filter((part) => plugins.includes(`address-space/${part}`))
  const { sections } = readIni('smtp.ini', lines('smtp.ini'))
  const main = [...(sections.get('') ?? []), ...(sections.get('main') ?? [])]
  const smtpIni = readSmtpIni(
    Object.fromEntries(main.map(([key, values]) => [key, values[0]?.text])),
  )
  return {
    configDir,
    plugins,
    parts: parts.length > 0 ? parts : allParts,
    enabled: parts.length > 0,
    user: smtpIni.user,
    me: list('me')[0] ?? hostname(),
    lines,
    list,
    isSelf: selfTest(smtpIni.listeners),
  }
}

/** The configuration of its enabled parts. Throws ConfigError with every error of all files. */
export function configurationOf(install: Install): Configuration {
  return readConfiguration(install.parts, {
    lines: (name) => install.lines(name),
    isSelf: (ip, port) => install.isSelf(ip, port),
  })
}

/** What the parts of the pack say while a command runs goes to stderr, if it is a warning or worse. */
export function commandEnvironment({ configDir }: Install): Environment {
  const quiet = (): void => undefined
  const tell = (message: string): void => console.error(message)
  return {
    configDir,
    log: { debug: quiet, info: quiet, notice: quiet, warn: tell, error: tell, crit: tell },
  }
}

function readLines(path: string): string[] {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split(/\r\n|\r|\n/u)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
