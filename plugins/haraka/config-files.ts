/**
 * Configuration files through Haraka's own reader: its folders, its overrides, its watcher (a change
 * arrives about five seconds later). They are read as lines; Haraka's ini parser would only print
 * what it cannot read.
 */
import { resolve } from 'node:path'

import type { Environment, Log } from '../config/environment.js'
import type { HarakaConfig, HarakaPlugin } from './haraka.js'
import { readSmtpIni, type IniValues, type SmtpIni } from './smtp-ini.js'

export interface ConfigFiles extends Environment {
  /**
   * The lines of a file; none if it is missing. `changed` is called after every later change. Only
   * one caller may watch a file: Haraka keeps one callback for each.
   */
  lines(name: string, changed: () => void): string[]
  /** the first line of a file, or the empty text */
  value(name: string): string
  /** the keys of an ini file's first part, as Haraka itself reads them */
  main(name: string): IniValues
  smtpIni(): SmtpIni
}

export function configFiles(plugin: HarakaPlugin): ConfigFiles {
  const { config } = plugin
  const main = (name: string): IniValues => config.get(name)['main'] ?? {}
  return {
    configDir: resolve(installConfig(config)),
    log: pluginLog(plugin),
    lines: (name, changed) => config.get(name, 'data', changed),
    value: (name) => config.get(name, 'value') ?? '',
    main: (name) => main(name),
    smtpIni: () => readSmtpIni(main('smtp.ini')),
  }
}

/** A packaged plugin has its own folder as the root, and the install's as the overrides. */
function installConfig(config: HarakaConfig): string {
  return config.overrides_path ?? config.root_path
}

/** Logs under the plugin's name. */
export function pluginLog(plugin: HarakaPlugin): Log {
  return {
    debug: (message) => plugin.logdebug(message),
    info: (message) => plugin.loginfo(message),
    notice: (message) => plugin.lognotice(message),
    warn: (message) => plugin.logwarn(message),
    error: (message) => plugin.logerror(message),
    crit: (message) => plugin.logcrit(message),
  }
}
