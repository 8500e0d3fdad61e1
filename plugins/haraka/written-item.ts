/**
 * An entry of Haraka's queue that this process has just written, as Haraka makes one of a file, but
 * from the head that is still in memory: a file's status, two openings and three readings fewer for
 * each message that is queued. What Haraka reads, it reads as always; only the octets come from here.
 *
 * A Haraka whose queue items are made otherwise gets the file's name alone, and reads.
 */
import type { HarakaOutbound, QueueItem, QueueNotes } from './outbound.js'

export interface WrittenFile {
  readonly name: string
  readonly path: string
  readonly notes: QueueNotes
  /** the file's first octets: the length and the JSON */
  readonly head: Buffer
  /** octets of the whole file */
  readonly size: number
}

/** What Haraka's HMailItem does to read its file (outbound/hmail.js). */
interface FileReader extends QueueItem {
  size_file(): Promise<void>
  read_todo(): Promise<void>
  _stream_bytes_from(path: string, range: { start: number; end: number }): Promise<Buffer>
}

type ItemClass = HarakaOutbound['HMailItem']

export function writtenItem(outbound: HarakaOutbound, file: WrittenFile): QueueItem {
  const { name, path, notes, head, size } = file
  if (!readsAsExpected(outbound.HMailItem)) return new outbound.HMailItem(name, path, notes)
  const item = new (sleeping(outbound.HMailItem))(name, path, notes) as FileReader
  item.file_size = size
  // the range's end is included, as in a file's stream
  item._stream_bytes_from = (_path, { start, end }) =>
    Promise.resolve(head.subarray(start, end + 1))
  void item.read_todo()
  return item
}

function readsAsExpected({ prototype }: ItemClass): boolean {
  const members = prototype as Partial<FileReader>
  return [members.size_file, members.read_todo, members._stream_bytes_from].every(
    (member) => typeof member === 'function',
  )
}

const classes = new WeakMap<ItemClass, ItemClass>()

/** The class whose constructor begins to read nothing. */
function sleeping(Item: ItemClass): ItemClass {
  const known = classes.get(Item)
  if (known) return known
  const Sleeping = class extends (Item as new (
    ...values: ConstructorParameters<ItemClass>
  ) => FileReader) {
    override size_file(): Promise<void> {
      return Promise.resolve()
    }
  }
  classes.set(Item, Sleeping)
  return Sleeping
}
