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
  /** as it stands in the file: what looks like an address there is in doubt */
  readonly text: string
  /** something of it may be missing, so that the text does not tell whose addresses it had */
  readonly incomplete: boolean
}

export type Row = DirectoryRecord | UnreadableRow

/** Attributes, in lower case, whose values have to be readable; `undefined`: all of them. */
export type StrictNames = ReadonlySet<string> | undefined

/** Reads the text of a file. Throws an Error when it is no such file at all. */
export type RowReader = (
  text: AsyncIterable<string> | Iterable<string>,
  strict?: StrictNames,
) => AsyncGenerator<readonly Row[]>
