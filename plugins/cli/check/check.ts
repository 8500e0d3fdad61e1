/**
 * `address-space check`: everything that can be known to be wrong with an install before mail
 * depends on it. First the files, all errors at once; then every directory is read and every smart
 * host is greeted, unless `--offline`. No mail is sent and nothing is changed.
 *
 * Exit code 1 if anything is wrong; what is only worth a look does not count.
 */
import type { Command } from 'commander'

import { configOption } from '../install-dir.js'
import { commandEnvironment, readInstall, type Install } from '../opened-install.js'
import { terminalStyle } from '../terminal.js'
import { checkContents } from './contents.js'
import { askDirectories } from './directories.js'
import type { Finding } from '../../operations/finding.js'
import { checkPaused } from './paused.js'
import { formatFindings } from './report.js'
import { checkSettings } from './settings.js'
import { greetHosts } from './smart-hosts.js'

interface Options {
  readonly config: string
  readonly offline?: true
  readonly log?: string
  readonly json?: true
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('what is wrong with the configuration, the directories and the smart hosts')
    .option('--offline', 'read the files only; ask nobody')
    .option(
      '-l, --log <file>',
      "Haraka's log: is an observed domain ready to become authoritative?",
    )
    .option('--json', 'the findings as a JSON array, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Each finding says what, where, why it matters and what to do. Exit code 1 if anything is wrong.
The directories are read whole and the smart hosts greeted; no mail is sent, nothing is changed.`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const findings = await checkInstall(readInstall(options.config), options)
  console.log(
    options.json === true
      ? JSON.stringify(findings, undefined, 2)
      : formatFindings(findings, { ...terminalStyle(), table: process.stdout.isTTY }),
  )
  if (findings.some(({ kind }) => kind === 'wrong')) process.exitCode = 1
}

/** Every finding; settles when all servers have answered or had their time. */
export async function checkInstall(
  install: Install,
  options: { readonly offline?: true; readonly log?: string },
): Promise<Finding[]> {
  const env = commandEnvironment(install)
  const { findings, configuration } = checkSettings(install, env)
  if (!configuration) return findings
  const offline = options.offline === true
  const { directories } = configuration
  const asked = directories ? await askDirectories(directories, install.configDir, offline) : []
  return [
    ...findings,
    ...checkPaused(install),
    ...asked.flatMap((one) => one.findings),
    ...(await checkContents(
      {
        parts: install.parts,
        configuration,
        directories: asked.map(({ directory }) => directory),
      },
      options.log,
    )),
    ...(offline ? [] : await greetHosts(install, configuration, env)),
  ]
}
