/**
 * What the readers of CSVDE and LDIF have in common: a file is a sequence of records and of rows
 * that could not be read. A reader yields the rows of a chunk together and waits until they are
 * taken; it knows nothing of mail.
 */
import type { Attributes } from './entry.js'

export interface DirectoryRecord {
  readonly kind: 'record'
  /** of the file, from 1: where the record begins */
  readonly line: number
  /** empty if the file has none */
  readonly dn: string
  readonly attributes: Attributes
}

export interface UnreadableRow {
  readonly kind: 'unreadable'
  readonly line: number
  /** what was expected and what came */
  readonly reason: string
}

export type Row = DirectoryRecord | UnreadableRow

/** Reads the text of a file. Throws an Error when it is no such file at all. */
export type RowReader = (
  text: AsyncIterable<string> | Iterable<string>,
) => AsyncGenerator<readonly Row[]>
