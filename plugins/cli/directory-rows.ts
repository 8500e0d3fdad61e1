/**
 * Everything that a directory holds, row by row, whether it is a file or an LDAP server: what
 * `check`, `import` and `export` read. A file's rows that cannot be read are rows too.
 */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'

import type { Filter } from 'ldapts'

import type { FileSettings } from '../directory/config.js'
import { rowReaders } from '../directory/row-readers.js'
import type { LdapAdministration } from '../directory/ldap/administration.js'
import type { Row, StrictNames } from '../directory/file-record.js'
import { readText } from '../directory/text-lines.js'
import type { ProgressBar } from './progress-bar.js'

/**
 * The rows of a file, those of a chunk together. Throws when it is no such file at all. `strict`:
 * attributes that have to be readable; all of them unless told.
 */
export async function* fileRows(
  configDir: string,
  { path, format }: Pick<FileSettings, 'path' | 'format'>,
  bar: ProgressBar,
  strict?: StrictNames,
): AsyncGenerator<readonly Row[]> {
  const file = await open(resolve(configDir, path))
  try {
    const { size } = await file.stat()
    let rows = 0
    const text = readText(file, (octets) => bar.at(octets / size, `${rows} rows`))
    for await (const some of rowReaders[format](text, strict)) {
      rows += some.length
      yield some
    }
  } finally {
    await file.close()
  }
}

/** The objects that a server finds, those of a page together. */
export async function* serverRows(
  server: LdapAdministration,
  filter: Filter,
  attributes: readonly string[],
  bar: ProgressBar,
): AsyncGenerator<readonly Row[]> {
  let objects = 0
  for await (const page of server.pages(filter, attributes)) {
    objects += page.length
    bar.at(undefined, `${objects} objects`)
    yield page.map((object) => ({ kind: 'record', line: 0, ...object }))
  }
}
