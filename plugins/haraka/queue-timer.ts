/**
 * Haraka's clock for queue entries that wait, and letting them go before their time. While an entry
 * waits only its file's name is in memory: 20,000 of them cost some megabytes.
 *
 * Haraka answers `DELAY` from `send_email` in the same way, but keeps the whole entry.
 */
import { access } from 'node:fs/promises'

import type { HarakaOutbound, QueueTimer } from './outbound.js'

/** The entry comes to the hook `send_email` again after that time; `due` is called just before. */
export function waitInQueue(
  outbound: HarakaOutbound,
  { name, path }: { readonly name: string; readonly path: string },
  milliseconds: number,
  due: () => void = () => undefined,
): void {
  outbound.temp_fail_queue.add(name, milliseconds, () => {
    due()
    access(path).then(
      () => outbound.delivery_queue.push(new outbound.HMailItem(name, path)),
      // delivered or removed meanwhile; Haraka would keep a place in its queue for it for ever
      () => undefined,
    )
  })
}

/** Lets those go whose time has not come, in the order that they stand there. */
export function letGo(outbound: HarakaOutbound, isMeant: (name: string) => boolean): number {
  const timers = outbound.temp_fail_queue
  const going = timers.queue.filter(({ id }) => isMeant(id))
  if (going.length > 0) {
    const gone = new Set(going)
    timers.queue = timers.queue.filter((timer) => !gone.has(timer))
  }
  for (const { cb } of going) cb?.()
  return going.length
}

/** Lets one go; false: it does not wait there. */
export function letOneGo(outbound: HarakaOutbound, name: string): boolean {
  const timer = stopWaiting(outbound, name)
  timer?.cb?.()
  return timer !== undefined
}

/** Takes one off the clock; it does not come by itself any more. */
export function stopWaiting(outbound: HarakaOutbound, name: string): QueueTimer | undefined {
  const { queue } = outbound.temp_fail_queue
  const at = queue.findIndex(({ id }) => id === name)
  return at === -1 ? undefined : queue.splice(at, 1)[0]
}
