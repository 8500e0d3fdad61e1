/**
 * Where things stand in a Haraka install: the queue (Haraka's rule: `config/queue_dir`, else `queue`),
 * what belongs to it, and the journal.
 *
 * The control folder stands beside the queue and not in it: Haraka would report each file there that
 * is no entry at every start, and some it would remove.
 */
import { dirname, join, resolve } from 'node:path'

export interface InstallPaths {
  readonly queue: string
  /** for Haraka's user alone: the control socket, what is paused, the sign of life */
  readonly control: string
  readonly journal: string
}

/** `queueDir`: the first line of `config/queue_dir`; empty: none. */
export function installPaths(configDir: string, queueDir: string): InstallPaths {
  const install = dirname(configDir)
  const queue = queueDir === '' ? join(install, 'queue') : resolve(queueDir)
  return { queue, control: controlFolderOf(queue), journal: join(install, 'journal') }
}

export function controlFolderOf(queue: string): string {
  return `${resolve(queue)}.control`
}
