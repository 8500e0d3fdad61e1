/** How a file directory is read, by the format that its name tells. */
import type { FileSettings } from './config.js'
import type { RowReader } from './file-record.js'
import { readLdif } from './ldif.js'
import { readPostfixMap } from './table/postfix-map.js'
import { readTable } from './table/read-table.js'

export const rowReaders: Record<FileSettings['format'], RowReader> = {
  csvde: readTable,
  ldif: readLdif,
  map: readPostfixMap,
}
