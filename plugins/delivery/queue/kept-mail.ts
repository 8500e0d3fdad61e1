/**
 * Mail that could go to nobody, kept as `error.*` in the queue's folder for the administrator: bounded, for
 * nobody may ever look. Older than 7 days goes, and the oldest as long as all are more than 256 MB; each
 * is a line in the log.
 */
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

import { errorText } from '../../basics/error-text.js'
import type { Log } from '../../config/environment.js'
import type { Observe } from '../../mail/mail-event.js'

export interface KeptLimits {
  /** milliseconds */
  readonly age: number
  /** octets */
  readonly size: number
}

export const keptLimits: KeptLimits = { age: 7 * 86_400_000, size: 256 * 1024 * 1024 }

export interface KeptFile {
  readonly name: string
  /** milliseconds since 1970 */
  readonly time: number
  readonly size: number
}

const prefix = 'error.'

/** Those that have to go, with the reason. Pure. */
export function surplus(
  files: readonly KeptFile[],
  now: number,
  limits: KeptLimits = keptLimits,
): { readonly name: string; readonly reason: string }[] {
  let size = 0
  return files
    .toSorted((a, b) => b.time - a.time)
    .flatMap((file) => {
      size += file.size
      if (now - file.time > limits.age) return { name: file.name, reason: 'older than 7 days' }
      if (size > limits.size) return { name: file.name, reason: 'all kept mail is above 256 MB' }
      return []
    })
    .toReversed()
}

/** Removes what is too much in the folder. Never rejects. */
export async function tidyKeptMail(
  folderOf: () => string,
  { log, observe }: { readonly log: Log; readonly observe?: Observe | undefined },
): Promise<void> {
  try {
    const folder = folderOf()
    const names = (await readdir(folder)).filter((name) => name.startsWith(prefix))
    const files = await Promise.all(names.map((name) => lookAt(folder, name)))
    for (const { name, reason } of surplus(files.flat(), Date.now())) {
      await unlink(join(folder, name))
      log.notice(`kept mail ${name} is removed: ${reason}`)
      observe?.({ kind: 'removed', uuid: '', entry: name, reason })
    }
  } catch (error) {
    // another process may be at it, or the folder is not there yet
    log.info(`kept mail: ${errorText(error)}`)
  }
}

async function lookAt(folder: string, name: string): Promise<KeptFile[]> {
  try {
    const { mtimeMs: time, size } = await stat(join(folder, name))
    return [{ name, time, size }]
  } catch {
    return []
  }
}
