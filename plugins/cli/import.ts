/**
 * `address-space import FILE --directory NAME`: creates the contacts of a CSVDE or LDIF file in an
 * LDAP directory, as `csvde -i` and `ldifde -i` do, and brings those that exist up to date. A row
 * that would not work is refused with its reason, and the others go on.
 *
 * It can be ended at any moment and run again: what is done is found unchanged. Exit code 1 if a row
 * was refused or the server failed.
 */
import { resolve } from 'node:path'
import { cwd } from 'node:process'

import type { Command } from 'commander'
import { createColors } from 'picocolors'

import { ContactImport, type ImportedRow } from './contact-import.js'
import { fileRows } from './directory-rows.js'
import { configOption } from './install-dir.js'
import { readInstall } from './opened-install.js'
import {
  formatOf,
  ldapSettings,
  openForWriting,
  serverOptions,
  type ServerOptions,
} from './ldap-server.js'
import { ProgressBar } from './progress-bar.js'
import { terminalStyle } from './terminal.js'

interface Options extends ServerOptions {
  readonly config: string
  readonly dryRun?: true
  readonly json?: true
}

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('create or update the contacts of a CSVDE or LDIF file in an LDAP directory')
    .argument('<file>', 'a .csv or .ldif file, as csvde and ldifde write it')
    .requiredOption('-d, --directory <name>', 'the section of directory.ini')
    .option('-n, --dry-run', 'show what would change; change nothing')
    .option('--json', 'one JSON object a row, for scripts')
  for (const option of serverOptions()) command.addOption(option)
  command
    .addOption(configOption())
    .addHelpText(
      'after',
      `
The header of a CSVDE file, and a contact:
  objectClass,dn,name,cn,sn,givenName,displayName,proxyAddresses,targetAddress,mail,mailnickname
  contact,"cn=Internet User,ou=internet users,dc=xo,dc=one",Internet User,…

It may be ended and run again: rows that are done are found unchanged. An attribute without a value
in the file is left as it is.`,
    )
    .action(run)
}

async function run(file: string, options: Options): Promise<void> {
  const { red, green, dim } = createColors(terminalStyle().colours)
  const install = readInstall(options.config)
  const settings = ldapSettings(install, options.directory)
  const format = formatOf(file)
  const server = await openForWriting(settings, options, install.configDir)
  const bar = new ProgressBar(options.dryRun === true ? `Comparing ${file}` : `Importing ${file}`)
  const rows = fileRows(cwd(), { path: resolve(file), format }, bar)
  const work = new ContactImport(server, settings, options.dryRun === true)
  const interrupt = (): void => work.stop('interrupted')
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  try {
    await work.run(rows, (row) => {
      if (options.json === true) {
        bar.end()
        console.log(JSON.stringify(row))
      } else if (row.outcome !== 'unchanged') {
        bar.end()
        const colour = row.outcome === 'refused' ? red : green
        console.log(`${colour(row.outcome.padEnd(8))} ${describe(row, dim)}`)
      }
    })
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    bar.end()
    server.end()
  }
  const { created, updated, unchanged, refused } = work.counts
  const would = options.dryRun === true ? 'would be ' : ''
  const summary = `${created} ${would}created, ${updated} ${would}updated, ${unchanged} unchanged, ${refused} refused.`
  console.error(summary)
  if (work.stopped !== undefined) {
    console.error(`Stopped: ${work.stopped}\nRun it again to go on: what is done is left as it is.`)
  }
  if (refused > 0 || work.stopped !== undefined) process.exitCode = 1
}

function describe(row: ImportedRow, dim: (text: string) => string): string {
  const { line, dn, reason, changes } = row
  if (reason !== undefined) return `line ${line}: ${dn === '' ? '' : `${dn}: `}${reason}`
  const lines = (changes ?? []).map(
    ({ attribute, from, to }) =>
      `\n         ${dim(`${attribute}: ${from.join('; ') || 'nothing'} → ${to.join('; ')}`)}`,
  )
  return `${dn}${lines.join('')}`
}
