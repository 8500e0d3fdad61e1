/**
 * The lines of a text file, chunk by chunk: UTF-8, or UTF-16 with a byte order mark as Windows
 * writes it. Only one chunk is in memory, and between two of them the event loop runs.
 */
import type { FileHandle } from 'node:fs/promises'
import { TextDecoder } from 'node:util'

const chunkSize = 64 * 1024
// far beyond what a directory writes; without an end, a file without newlines would fill the memory
const longestLine = 4 * 1024 * 1024

/** The file's text; `progress` is told the octets read so far. */
export async function* readText(
  file: FileHandle,
  progress: (octets: number) => void = () => {},
): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(chunkSize)
  let position = 0
  let decoder: TextDecoder | undefined
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, position)
    decoder ??= new TextDecoder(encodingOf(buffer.subarray(0, bytesRead)))
    if (bytesRead === 0) break
    position += bytesRead
    progress(position)
    yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true })
  }
  yield decoder.decode()
}

function encodingOf(start: Buffer): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

/** Whole lines without their ends, the lines of a chunk together; the last one may have no end. */
export async function* readLines(
  text: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string[]> {
  let rest = ''
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > longestLine) throw new Error(`a line of more than ${longestLine} characters`)
    if (lines.length > 0) yield lines.map(withoutReturn)
  }
  if (rest !== '') yield [withoutReturn(rest)]
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
