/**
 * What processes have used so far, from Linux's /proc: processor time of a process with all its
 * children, those that ended and were waited for included, and the memory of one process.
 */
import { readdirSync, readFileSync } from 'node:fs'

// USER_HZ, the same on every Linux that Node runs on
const ticksPerSecond = 100

interface Stat {
  readonly parent: number
  /** ticks of itself, and of children that ended */
  readonly ticks: number
}

/** Seconds of processor time of the process and everything below it. */
export function processorSeconds(root: number): number {
  const stats = new Map<number, Stat>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/u.test(name) ? readStat(Number(name)) : undefined
    if (stat) stats.set(Number(name), stat)
  }
  const ticksBelow = (pid: number): number => {
    const children = [...stats].filter(([, { parent }]) => parent === pid)
    const below = children.reduce((sum, [child]) => sum + ticksBelow(child), 0)
    return (stats.get(pid)?.ticks ?? 0) + below
  }
  return ticksBelow(root) / ticksPerSecond
}

/**
 * Seconds of processor time, to the microsecond: of the process's first thread (in Node, where the mail
 * is), and of all its threads and those of its children.
 */
export function preciseSeconds(pid: number): { readonly first: number; readonly all: number } {
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
  const ofThread = (process: number, id: number): number => {
    try {
      // nanoseconds on a processor; what waited for one does not count
      const path = `/proc/${process}/task/${id}/schedstat`
      return Number(readFileSync(path, 'utf8').split(' ')[0]) / 1e9
    } catch {
      return 0
    }
  }
  const ofProcess = (process: number): number =>
    sum(readdirSync(`/proc/${process}/task`).map((id) => ofThread(process, Number(id))))
  return { first: ofThread(pid, pid), all: sum([pid, ...childrenOf(pid)].map(ofProcess)) }
}

/** Process ids below this one, directly. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name) && readStat(Number(name))?.parent === pid)
    .map(Number)
}

/** Resident memory of one process in MiB: now, and the most it ever was. */
export function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1] ?? 0) / 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** `undefined`: it has ended meanwhile. */
function readStat(pid: number, path = `/proc/${pid}/stat`): Stat | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    // the name in brackets may hold blanks; fields count from behind it
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [user, system, usersBelow, systemBelow] = fields.slice(11, 15).map(Number)
    const ticks = (user ?? 0) + (system ?? 0) + (usersBelow ?? 0) + (systemBelow ?? 0)
    return { parent: Number(fields[1]), ticks }
  } catch {
    return undefined
  }
}
