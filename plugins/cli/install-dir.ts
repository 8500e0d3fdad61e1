/**
 * The Haraka install that a command works on: the folder that `haraka -c` takes, holding `config/`.
 * Without `--config` it is the current folder. A folder that holds no install is an error.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { Option } from 'commander'

/** `--config DIR`, the same for every command. */
export function configOption(): Option {
  return new Option(
    '-c, --config <dir>',
    'folder of the Haraka install, as `haraka -c` takes it',
  ).default('.', 'the current folder')
}

/** The absolute path of the install; throws if there is none. */
export function installDir(given: string): string {
  const dir = resolve(given)
  if (existsSync(join(dir, 'config', 'smtp.ini'))) return dir
  throw new Error(
    `expected a Haraka install (a folder with config/smtp.ini), got ${dir}\n` +
      'Name it with --config DIR, or make one with: haraka -i DIR',
  )
}
