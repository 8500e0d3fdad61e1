/**
 * How a command speaks to the running gateway: a line of JSON each way over a socket in the control
 * folder. The line of the command names the version of the protocol, so that a package that was
 * updated while the gateway ran on is told and not misunderstood.
 *
 *   →  {"version":1,"command":"retry","names":[…]}
 *   ←  {"progress":[3,10]}            any number of times, while it takes long
 *   ←  {"ok":true,"result":…}         or {"ok":false,"error":"…"}; then the connection ends
 */
import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'

export const protocolVersion = 1

/** octets of a request: the names of some ten thousand entries */
export const longestRequest = 4 * 1024 * 1024
/** milliseconds for a request to arrive; for an answer, or the next sign of progress */
export const controlTimes = { request: 5000, answer: 15_000 }

export type ControlRequest =
  /** who are you */
  | { readonly command: 'hello' }
  /** write down all that has happened so far */
  | { readonly command: 'flush' }
  /** what delivery does, and when each entry is tried again */
  | { readonly command: 'states' }
  /** try these entries now (names of files), and what waits for the places */
  | {
      readonly command: 'retry'
      readonly names: readonly string[]
      readonly places: readonly string[]
    }
  /** look at what is paused */
  | { readonly command: 'pauses' }
  /** report the entry to its sender as failed, or remove it */
  | { readonly command: 'return' | 'drop'; readonly name: string; readonly by: string }
  /** take over what another gateway left in its queue folder */
  | { readonly command: 'adopt'; readonly dir: string; readonly by: string }

export type ControlAnswer =
  | { readonly progress: readonly [done: number, of: number] }
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string }

// the longest path that a socket can have is 107 octets (Linux), 103 elsewhere
const longestPath = 100

/**
 * The socket's path as `listen` and `connect` can take it: a long one goes by way of the open folder.
 * `close` is called once it listens or is connected.
 */
export function socketPath(folder: string): { readonly path: string; readonly close: () => void } {
  const path = join(folder, 'socket')
  if (Buffer.byteLength(path) <= longestPath || process.platform !== 'linux') {
    return { path, close: () => undefined }
  }
  const open = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${open}/socket`, close: () => closeSync(open) }
}
