/**
 * Reads a CSVDE or LDIF file as a version of a directory, a chunk at a time. Rows that cannot be read are
 * told in the log with their line; what they put in doubt is the snapshot's. Rejects when the file cannot
 * be read at all or is no such file.
 *
 * A file whose last line is not ended may have been cut off, and an LDIF file that does not end with an
 * empty line too: the snapshot says so.
 */
import { open } from 'node:fs/promises'

import type { Log } from '../config/environment.js'
import type { FileSettings } from './config.js'
import { rowReaders } from './row-readers.js'
import { attributesOfSchema, type Schema } from './schema.js'
import { SnapshotBuilder, type Snapshot } from './snapshot.js'
import { readText } from './text-lines.js'

const progressInterval = 5000
// rows told one by one in the log; the rest is a number
const mostTold = 20

interface Source {
  readonly name: string
  readonly path: string
  readonly log: Log
}

/** `stopped`: it is asked between chunks; the rest of the file is then left out. */
export async function readSnapshot(
  { name, path, log }: Source,
  { format, schema, unreadable }: FileSettings,
  stopped: () => boolean,
): Promise<Snapshot> {
  const builder = new SnapshotBuilder(schema, unreadable === 'ignore')
  const file = await open(path)
  try {
    const { size } = await file.stat()
    let octets = 0
    let faults = 0
    let told = performance.now()
    const end = new FileEnd()
    const text = end.watch(readText(file, (position) => (octets = position)))
    for await (const rows of rowReaders[format](text, strictNames(schema))) {
      if (stopped()) break
      for (const row of rows) {
        for (const reason of builder.add(row).faults) {
          faults += 1
          if (faults <= mostTold) {
            log.error(`directory [${name}]: ${path} line ${row.line}: ${reason}`)
          }
        }
      }
      if (performance.now() - told > progressInterval) {
        told = performance.now()
        const percent = Math.floor((octets / size) * 100)
        log.info(
          `directory [${name}]: ${path}: ${percent} % read, ${builder.table.entries} entries`,
        )
      }
    }
    if (faults > mostTold) {
      log.error(`directory [${name}]: ${path}: ${faults} faults; ${mostTold} are told above`)
    }
    return await builder.finish(end.problem(format))
  } finally {
    await file.close()
  }
}

/** The attributes that decide, in lower case: the others cost nobody an address. */
export function strictNames(schema: Schema): ReadonlySet<string> {
  return new Set(['dn', ...attributesOfSchema(schema).map((name) => name.toLowerCase())])
}

/** How a text ended that went by. */
export class FileEnd {
  private tail = ''
  private hasLineFeeds = false

  async *watch(text: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const chunk of text) {
      this.tail = (this.tail + chunk).slice(-4)
      this.hasLineFeeds ||= chunk.includes('\n')
      yield chunk
    }
  }

  /** Why it looks cut off; empty: it does not. */
  problem(format: FileSettings['format']): string {
    // a line may end in CR alone, as the old Mac has it; where lines end in CR LF, half an end is none
    const tail = this.hasLineFeeds
      ? this.tail.replaceAll('\r', '')
      : this.tail.replaceAll('\r', '\n')
    if (!tail.endsWith('\n')) {
      return 'expected a line end after the last line, got none: the file looks cut off'
    }
    if (format === 'csvde' || tail.endsWith('\n\n')) return ''
    return 'expected an empty line after the last record, got none: the file looks cut off'
  }
}
