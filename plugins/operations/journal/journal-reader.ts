/**
 * Reads a journal: its files in order, line by line, packed ones too. Lines are looked at as octets
 * first, and only those that hold what is asked for are parsed: a day of a large gateway has millions.
 *
 * A line that is none (torn by a full disk) is passed over. A file that vanishes while it is read
 * (the gateway removes old ones) ends there.
 */
import { dayOf, journalFiles, openFile, type JournalFile } from './journal-files.js'
import { parseLine, type JournalLine } from './journal-line.js'

export interface ReadOptions {
  /** milliseconds since 1970: nothing older */
  readonly since?: number
  /** lower-case texts, one of which stands in a line that is wanted; absent: every line */
  readonly holding?: readonly string[]
  /** octets read so far, unpacked */
  readonly progress?: (octets: number) => void
}

// a line is bounded where it is written; what has no end is no journal
const longestLine = 4 * 1024 * 1024

/** The lines, files in order of their days. */
export async function* readJournal(
  folder: string,
  options: ReadOptions = {},
): AsyncGenerator<JournalLine> {
  const { since = 0, holding, progress } = options
  let octets = 0
  const isNew = onceEach()
  for (const file of await journalFiles(folder)) {
    if (file.day < dayOf(since)) continue
    for await (const text of linesOf(folder, file, (read) => progress?.((octets += read)))) {
      if ((holding && !holds(text, holding)) || !isNew(text)) continue
      const line = parseLine(text)
      if (line && Date.parse(line.time) >= since) yield line
    }
  }
}

/** A process that ends may have written its last batch twice; so much is remembered. */
function onceEach(most = 10_000): (text: string) => boolean {
  let [now, before] = [new Set<string>(), new Set<string>()]
  return (text) => {
    if (now.has(text) || before.has(text)) return false
    if (now.size >= most) [now, before] = [new Set(), now]
    now.add(text)
    return true
  }
}

function holds(text: string, wanted: readonly string[]): boolean {
  const lower = text.toLowerCase()
  return wanted.some((one) => lower.includes(one))
}

async function* linesOf(
  folder: string,
  file: JournalFile,
  progress: (octets: number) => void,
): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of openFile(folder, file)) {
      progress(chunk.length)
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > longestLine) rest = ''
      yield* lines
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (rest !== '') yield rest
}
