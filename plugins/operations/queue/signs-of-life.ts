/**
 * Whether the gateway of a queue folder lives. Taking over the entries of one that does would deliver
 * each twice, so every sign counts:
 *
 *   its control socket answers
 *   a process lives that its `alive.json` names, or whose number stands in a file's name and that is Haraka's
 *   on another machine: `alive.json` is touched every few seconds, so it is watched for a while
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { parseQueueFileName } from '../../delivery/queue/queue-heads.js'
import { askGateway } from '../control/control-client.js'
import { aliveFile } from '../control/control-server.js'
import { controlFolderOf } from '../install-paths.js'

// milliseconds; a living gateway touches the file every 5 s
const watching = 12_000
const between = 1000

export interface LifeTools {
  /** processes that are our own gateway: their numbers say nothing of the other one */
  readonly own?: ReadonlySet<number>
  readonly watching?: number
}

/** The sign, in words; `undefined`: it is dead. */
export async function signOfLife(
  queue: string,
  { own = new Set(), watching: patience = watching }: LifeTools = {},
): Promise<string | undefined> {
  const control = controlFolderOf(queue)
  const hello = await askGateway(control, { command: 'hello' })
  if (hello !== undefined) return `it answers: ${JSON.stringify(hello)}`
  const alive = join(control, aliveFile)
  const written = readAlive(alive)
  if (written?.host === hostname()) {
    if (written.pid !== undefined && lives(written.pid) && !own.has(written.pid)) {
      return `its process ${written.pid} lives`
    }
  } else if (written) {
    const touched = await isTouched(alive, patience)
    if (touched) return `on ${written.host ?? 'another machine'} a process touches ${alive}`
  }
  const pid = pidsIn(queue).find((one) => !own.has(one) && isHaraka(one))
  return pid === undefined ? undefined : `process ${pid}, which wrote entries of it, lives`
}

function readAlive(path: string): { pid?: number; host?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid?: number; host?: string }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return {}
  }
}

async function isTouched(path: string, patience: number): Promise<boolean> {
  const time = (): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const before = time()
  const end = performance.now() + patience
  while (performance.now() < end) {
    await sleep(Math.min(between, patience))
    if (time() !== before) return true
  }
  return false
}

/** Numbers of processes of this machine that wrote entries of the folder. */
function pidsIn(queue: string): number[] {
  const here = hostname()
  const pids = readdirSync(queue).flatMap((name) => {
    const file = parseQueueFileName(name)
    return file && !file.kept && file.host === here ? [file.pid] : []
  })
  return [...new Set(pids)]
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Numbers are given anew: a process of that number need not be the one that wrote the entry. */
function isHaraka(pid: number): boolean {
  if (pid <= 1 || !lives(pid)) return false
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/u, 2)
    return words.some((word) => /^haraka(\.js)?$/iu.test(basename(word)))
  } catch {
    // no /proc: whoever it is, he may be Haraka
    return true
  }
}
