/**
 * Takes over the entries that another, dead gateway left in its queue folder. Wherever this is
 * interrupted, each entry stands in one folder only as one that is delivered, and a second run ends
 * what the first began.
 *
 *   on one file system   a rename, which is whole or not at all
 *   on two               1. copied to ours as `error.adopting.NAME.part`, synced
 *                        2. renamed to `error.adopting.NAME`: the copy is whole
 *                        3. theirs renamed to `error.adopted.NAME`: from here on ours counts
 *                        4. ours renamed to its own name: it is an entry now
 *                        5. theirs removed
 *
 * Haraka leaves alone what begins with `error.`. A second run that finds `error.adopted.NAME` there
 * goes on at 4 if `error.adopting.NAME` is still here, else at 5.
 */
import { chown, copyFile, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

import { parseQueueFileName, type QueueFileName } from '../../delivery/queue/queue-heads.js'
import { syncFolder } from '../../basics/sync-folder.js'

export interface Adoption {
  /** the other gateway's queue folder, and ours */
  readonly from: string
  readonly to: string
  /** the entry's name in our folder */
  readonly nameFor: (theirs: QueueFileName) => string
  /** called when an entry stands in our folder, to be delivered */
  readonly adopted: (name: string, theirs: string) => Promise<void> | void
  readonly progress?: (done: number, of: number) => void
}

export interface AdoptionResult {
  readonly adopted: number
  /** error.* files of theirs, which are moved as they are */
  readonly kept: number
  /** names of files that are no entries: they stay there */
  readonly left: readonly string[]
}

const adopting = 'error.adopting.'
const adopted = 'error.adopted.'

/** Rejects at the first entry that cannot be taken; those before it are ours. */
export async function adoptFolder(adoption: Adoption): Promise<AdoptionResult> {
  const { from, to, progress } = adoption
  await finishInterrupted(adoption)
  const names = (await readdir(from)).sort()
  if (names.length > 0 && !names.some((name) => parseQueueFileName(name) ?? isDraft(name))) {
    throw new Error(`expected the queue folder of a gateway, got ${from}, which has no entries`)
  }
  const result = { adopted: 0, kept: 0, left: [] as string[] }
  for (const [index, name] of names.entries()) {
    const file = parseQueueFileName(name)
    if (!file) result.left.push(name)
    else if (file.kept) {
      await move(adoption, name, name)
      result.kept++
    } else {
      const mine = adoption.nameFor(file)
      await move(adoption, name, mine)
      await adoption.adopted(mine, name)
      result.adopted++
    }
    progress?.(index + 1, names.length)
  }
  await syncFolder(to)
  await syncFolder(from)
  return result
}

/** What the other gateway was writing when it died: nobody was told that it had it. */
function isDraft(name: string): boolean {
  return name.startsWith('__tmp__.')
}

/** What a run before this one had begun. */
async function finishInterrupted(adoption: Adoption): Promise<void> {
  const { from, to } = adoption
  const here = await readdir(to)
  for (const name of await readdir(from)) {
    if (!name.startsWith(adopted)) continue
    const theirs = name.slice(adopted.length)
    if (here.includes(`${adopting}${theirs}`)) await finish(adoption, theirs)
    else await unlink(join(from, name))
  }
  // copies that were not finished: theirs is still the entry
  for (const name of await readdir(to)) {
    if (!name.startsWith(adopting)) continue
    const theirs = name.slice(adopting.length).replace(/\.part$/u, '')
    if (await exists(join(from, theirs))) await unlink(join(to, name))
  }
}

async function move(adoption: Adoption, theirs: string, mine: string): Promise<void> {
  const { from, to } = adoption
  try {
    if (await exists(join(to, mine))) throw new Error(`${join(to, mine)} is there already`)
    await own(join(from, theirs), to)
    await rename(join(from, theirs), join(to, mine))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await copy(adoption, theirs)
    await finish(adoption, theirs, mine)
  }
}

/** Steps 1 to 3. */
async function copy({ from, to }: Adoption, theirs: string): Promise<void> {
  const whole = join(to, `${adopting}${theirs}`)
  const part = `${whole}.part`
  await copyFile(join(from, theirs), part)
  const file = await open(part, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await own(part, to)
  await rename(part, whole)
  await syncFolder(to)
  await rename(join(from, theirs), join(from, `${adopted}${theirs}`))
  await syncFolder(from)
}

/** Steps 4 and 5. */
async function finish(adoption: Adoption, theirs: string, known?: string): Promise<void> {
  const { from, to } = adoption
  const file = parseQueueFileName(theirs)
  const mine = known ?? (file && !file.kept ? adoption.nameFor(file) : theirs)
  await rename(join(to, `${adopting}${theirs}`), join(to, mine))
  await syncFolder(to)
  await unlink(join(from, `${adopted}${theirs}`))
  if (known === undefined && file && !file.kept) await adoption.adopted(mine, theirs)
}

/** Root hands over to whom our folder belongs: Haraka's user has to read and remove it. */
async function own(path: string, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(folder)
  await chown(path, uid, gid)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
