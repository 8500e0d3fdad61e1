/**
 * The rooms of plugins/, the upper ones first. A room imports only itself and rooms that stand below
 * it, so a recipient and a message pass through forward only. Prints which room imports which, and
 * exits 1 with the line and the mend when one imports a room that does not stand below.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

const root = join(__dirname, '..')

/** Rooms of one floor do not import each other. */
export const floors: readonly (readonly string[])[] = [
  ['accepted-domains', 'contacts', 'connectors', 'status', 'cli'],
  ['stage'],
  ['operations'],
  ['gateway'],
  ['delivery'],
  ['loop'],
  ['decision'],
  ['directory'],
  ['haraka'],
  ['mail'],
  ['config'],
  ['basics'],
]

export interface Import {
  /** the importing file, from plugins/ on */
  readonly file: string
  readonly line: number
  /** the imported file, from plugins/ on, without its ending */
  readonly imported: string
}

const specifier = /(?:\bfrom|^import|\bimport\()\s*'(\.\.?\/[^']+)'/u

/** Every import between files of plugins/ that leaves its own room. */
export function importsBetweenRooms(folder = join(root, 'plugins')): Import[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((file) => {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n')
      return lines.flatMap((text, index): Import[] => {
        const path = specifier.exec(text)?.[1]
        if (path === undefined) return []
        const imported = posix.join(posix.dirname(file), path).replace(/\.js$/u, '')
        return roomOf(imported) === roomOf(file) ? [] : [{ file, line: index + 1, imported }]
      })
    })
}

/** What is wrong with an import, and the mend; `undefined` if it goes down. */
export function problemOf({ file, line, imported }: Import): string | undefined {
  const [from, to] = [roomOf(file), roomOf(imported)]
  const [above, below] = [floorOf(from), floorOf(to)]
  const place = `plugins/${file}:${line} imports ${imported}`
  if (above === -1 || below === -1) {
    const unknown = above === -1 ? from : to
    return `${place}: expected a room of scripts/rooms.ts, got \`${unknown}\``
  }
  if (above < below) return undefined
  return `${place}: ${to}/ does not stand below ${from}/; what both need belongs into ${to}/'s part that can stand below ${from}/, or is passed in`
}

function roomOf(file: string): string {
  return file.split('/', 1)[0] ?? ''
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room))
}

if (require.main === module) {
  const imports = importsBetweenRooms()
  for (const room of floors.flat()) {
    const below = new Set(
      imports.filter(({ file }) => roomOf(file) === room).map(({ imported }) => roomOf(imported)),
    )
    const inOrder = floors.flat().filter((name) => below.has(name))
    if (inOrder.length > 0) console.log(`${room.padEnd(17)} -> ${inOrder.join(', ')}`)
  }
  const problems = imports.flatMap((one) => problemOf(one) ?? [])
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
