/**
 * Haraka's clock for queue entries that wait, and letting them go before their time. While an entry
 * waits only its file's name is in memory: 20,000 of them cost some megabytes.
 *
 * Haraka's clock is the time of day, which may jump (a clock that is set, a machine that was asleep): what
 * waits then waits as long as it was to, no more and no less. From the disk no time is believed that is
 * more than a day away.
 *
 * Haraka answers `DELAY` from `send_email` in the same way, but keeps the whole entry.
 */
import { access } from 'node:fs/promises'

import type { HarakaOutbound, QueueTimer } from './outbound.js'

const day = 86_400_000
// more than a slow machine is late, and less than anybody waits
const smallestJump = 2000

/** The two clocks, in milliseconds: the time of day, and one that only goes forward. */
export interface Clocks {
  readonly timeOfDay: () => number
  readonly steady: () => number
}

const clocks: Clocks = { timeOfDay: () => Date.now(), steady: () => performance.now() }

/** From now on a jump of the time of day changes no wait. */
export function keepTime(
  timers: HarakaOutbound['temp_fail_queue'],
  { timeOfDay, steady }: Clocks = clocks,
): void {
  const fire = timers.fire.bind(timers)
  const add = timers.add.bind(timers)
  let apart = timeOfDay() - steady()
  const correct = (): void => {
    const jump = timeOfDay() - steady() - apart
    if (Math.abs(jump) < smallestJump) return
    apart += jump
    for (const timer of timers.queue) timer.fire_time += jump
  }
  timers.fire = () => {
    correct()
    fire()
  }
  timers.add = (id, milliseconds, cb) => {
    correct()
    return add(id, milliseconds, cb)
  }
}

/** Milliseconds from now to a time of day that was read from the disk; not above a day. */
export function waitUntil(time: number, now: number): number {
  return Math.min(time - now, day)
}

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
      // delivered or removed meanwhile; Haraka would keep a place in its queue for it forever
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
