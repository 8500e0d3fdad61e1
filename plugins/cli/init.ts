/**
 * `address-space init`: puts the commented configuration into an existing install's `config/`.
 *
 * A file that is there already is never touched. It says what it did and which lines are to be
 * added to `config/plugins`; that file is the administrator's, so it is only read.
 */
import { constants } from 'node:fs'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Command } from 'commander'

import { configOption, installDir } from './install-dir.js'

export const pluginLines = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
  'address-space/status',
]

export function addInit(program: Command): void {
  program
    .command('init')
    .description('put the commented configuration into an existing install')
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const dir = installDir(options.config)
      const { created, kept } = await initConfig(dir)
      for (const name of created) console.log(`created  config/${name}`)
      for (const name of kept) console.log(`kept     config/${name} (it was there)`)
      console.log(await nextSteps(dir))
    })
}

/** Copies every configuration file that is not there yet. */
export async function initConfig(dir: string): Promise<{ created: string[]; kept: string[] }> {
  const samples = join(__dirname, '..', 'sample-config')
  const created: string[] = []
  const kept: string[] = []
  for (const name of (await readdir(samples)).sort()) {
    const copied = await copyNew(join(samples, name), join(dir, 'config', name))
    ;(copied ? created : kept).push(name)
  }
  return { created, kept }
}

async function copyNew(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function nextSteps(dir: string): Promise<string> {
  const text = await readFile(join(dir, 'config', 'plugins'), 'utf8').catch(() => '')
  const enabled = new Set(text.split('\n').map((line) => line.trim()))
  const missing = pluginLines.filter((line) => !enabled.has(line))
  if (missing.length === 0) return '\nAll plugins stand in config/plugins.'
  return [
    '',
    'Set your domains, directory and connectors in these files. Then add to config/plugins, each',
    'line only if you want what it does, and above any other queue plugin:',
    '',
    ...missing.map((line) => `  ${line}`),
    '',
    'Lines such as rcpt_to.in_host_list and queue/smtp_forward take the same decisions: remove them',
    'when ours do. Try the configuration first:',
    '',
    '  npx address-space check',
    '  npx address-space stage',
  ].join('\n')
}
