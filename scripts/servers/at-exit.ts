/**
 * What has to be undone when this process ends: servers are killed, then their folders removed. The
 * last that was begun is undone first, so that no server writes into a folder that is being removed.
 *
 * It happens at `exit`, so also after a failure. A signal ends a process without `exit`: programs call
 * `exitOnSignals` once.
 */
const undoing = new Set<() => void>()

/** Calls `undo` when the process ends; what it gives back takes that back. */
export function atExit(undo: () => void): () => void {
  if (undoing.size === 0) process.once('exit', undoAll)
  undoing.add(undo)
  return () => {
    undoing.delete(undo)
    if (undoing.size === 0) process.off('exit', undoAll)
  }
}

/**
 * SIGTERM, SIGINT and SIGHUP end the process by way of `exit`, with the code that shells expect; one that
 * comes while things are being undone does not cut that short.
 */
export function exitOnSignals(): void {
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(signal, () => process.exit(128 + number))
  }
}

function undoAll(): void {
  for (const undo of [...undoing].toReversed()) {
    try {
      undo()
    } catch (error) {
      // the others have to be undone all the same
      console.error(error)
    }
  }
}
