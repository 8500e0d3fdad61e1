/**
 * `address-space export --directory NAME FILE`: the contacts of a directory as a CSVDE or LDIF file,
 * which `import`, `csvde -i` and the file directory read back to the same contacts. With `--all` the
 * objects with a mailbox too: a copy that a gateway can work from.
 *
 * With `--table` it is a plain table `address,target,host`, of directories of every schema.
 *
 * The file appears whole or not at all.
 */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { finished } from 'node:stream/promises'

import type { Command } from 'commander'
import { AndFilter, EqualityFilter } from 'ldapts'

import type { DirectorySettings } from '../directory/config.js'
import {
  objectWriters,
  tableWriter,
  writtenAttributes,
  type WrittenObject,
} from '../directory/contact-writer.js'
import { toEntry } from '../directory/entry.js'
import { describeFailure } from '../directory/ldap/failure.js'
import { filterForAny } from '../directory/ldap/filter.js'
import type { DirectoryRecord, Row } from '../directory/file-record.js'
import { attributesOfSchema, type Schema } from '../directory/schema.js'
import { fileRows, serverRows } from './directory-rows.js'
import { configOption } from './install-dir.js'
import { readInstall } from './opened-install.js'
import {
  directorySettings,
  formatOf,
  openServer,
  serverOptions,
  withOptions,
  type ServerOptions,
} from './ldap-server.js'
import { ProgressBar } from './progress-bar.js'

interface Options extends ServerOptions {
  readonly config: string
  readonly all?: true
  readonly table?: true
}

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write the contacts of a directory into a CSVDE or LDIF file')
    .argument('<file>', 'the .csv or .ldif file to write')
    .requiredOption('-d, --directory <name>', 'the section of directory.ini')
    .option('-a, --all', 'mailboxes too: everything that has an address')
    .option('-t, --table', 'a plain table: address, target, host; a .csv file')
  for (const option of serverOptions()) command.addOption(option)
  command.addOption(configOption()).action(run)
}

async function run(file: string, options: Options): Promise<void> {
  const install = readInstall(options.config)
  const settings = directorySettings(install, options.directory)
  const bar = new ProgressBar(`Exporting directory ${settings.name}`)
  try {
    const rows = rowsOf(settings, options, install.configDir, bar)
    const writer = writerFor(file, options, settings.schema)
    const { objects, unreadable } = await writeFile(file, rows, writer)
    console.error(`${objects} ${options.all === true ? 'objects' : 'contacts'} in ${file}.`)
    if (unreadable > 0) {
      console.error(
        `${unreadable} rows could not be read and are not in it; see: address-space check`,
      )
      process.exitCode = 1
    }
  } catch (error) {
    throw new Error(describeFailure(error), { cause: error })
  } finally {
    bar.end()
  }
}

async function* rowsOf(
  settings: DirectorySettings,
  options: Options,
  configDir: string,
  bar: ProgressBar,
): AsyncGenerator<readonly Row[]> {
  if (settings.kind === 'file') {
    yield* fileRows(configDir, settings, bar)
    return
  }
  const given = withOptions(settings, options)
  const server = await openServer(given, configDir)
  try {
    const any = filterForAny(given.filter)
    const contact = new EqualityFilter({ attribute: 'objectClass', value: 'contact' })
    // only Active Directory has a class for what leads on
    const all = options.all === true || given.schema.contactClass === ''
    const filter = all ? any : new AndFilter({ filters: [contact, any] })
    const attributes = options.table === true ? attributesOfSchema(given.schema) : writtenAttributes
    yield* serverRows(server, filter, attributes, bar)
  } finally {
    server.end()
  }
}

interface RowWriter {
  readonly head: string
  /** undefined: not asked for */
  write(row: DirectoryRecord): string | undefined
}

function writerFor(file: string, { all, table }: Options, schema: Schema): RowWriter {
  const format = formatOf(file)
  if (table !== true) {
    const writer = objectWriters[format]
    return {
      head: writer.head,
      write: (row) => {
        const object = written(row, all === true)
        return object && writer.write(object)
      },
    }
  }
  if (format !== 'csvde') throw new Error(`expected a table named .csv, got ${file}`)
  return {
    head: tableWriter.head,
    write: ({ dn, attributes }) => {
      const { entry } = toEntry(dn, attributes, schema)
      const leads = entry.isContact || entry.targetAddress !== undefined
      return entry.addresses.length > 0 && (leads || all === true)
        ? tableWriter.write(entry)
        : undefined
    },
  }
}

async function writeFile(
  file: string,
  pages: AsyncIterable<readonly Row[]>,
  writer: RowWriter,
): Promise<{ objects: number; unreadable: number }> {
  const path = resolve(file)
  const draft = `${path}.${process.pid}`
  const stream = createWriteStream(draft, { flags: 'wx' })
  let objects = 0
  let unreadable = 0
  try {
    stream.write(writer.head)
    for await (const rows of pages) {
      for (const row of rows) {
        if (row.kind === 'unreadable') unreadable += 1
        const text = row.kind === 'record' ? writer.write(row) : undefined
        if (text === undefined) continue
        objects += 1
        if (!stream.write(text)) await once(stream, 'drain')
      }
    }
    stream.end()
    await finished(stream)
    await rename(draft, path)
    return { objects, unreadable }
  } catch (error) {
    stream.destroy()
    await rm(draft, { force: true })
    throw error
  }
}

/** With the one class that tells a contact from a mailbox; `undefined`: not asked for. */
function written({ dn, attributes }: DirectoryRecord, all: boolean): WrittenObject | undefined {
  const { entry } = toEntry(dn, attributes)
  if (entry.addresses.length === 0 || (!all && !entry.isContact)) return undefined
  const objectClass = [entry.isContact ? 'contact' : 'user']
  return { dn, attributes: new Map([...attributes, ['objectclass', objectClass]]) }
}
