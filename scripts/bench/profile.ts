/**
 * `npm run bench -- --profile NAME`: what a message costs one contestant, and whose it is: the pack's
 * own code, Haraka's, Node's, the system's or the collection of garbage. Self times of V8's profiler,
 * of the time under load alone. The profile is kept, to be opened in a browser's developer tools.
 *
 * The profiler itself costs: the sum is more than a message costs without it. Parts count.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

import { dist, root } from '../build.js'
import { start, recipientsFor, type Field, type Name } from './contestants.js'
import { sendLoad, type Load } from './load.js'

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface Profile {
  /** microseconds of the monotonic clock */
  readonly startTime: number
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly samples: readonly number[]
  /** microseconds since the sample before */
  readonly timeDeltas: readonly number[]
}

/** Prints microseconds a message by owner, and the dearest functions. */
export async function profile(name: Name, field: Field, load: Omit<Load, 'to'>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'))
  const contestant = await start(name, field, ['--cpu-prof', `--cpu-prof-dir=${folder}`])
  const to = (run: number): string => recipientsFor(contestant.recipients, run)
  let window: readonly [number, number]
  try {
    for (let run = 0; run < 3; run++) {
      await sendLoad({ messages: 1500, clients: 20, octets: 4096, to: to(run) }, contestant.port)
      await contestant.drained?.()
    }
    const began = microseconds()
    await sendLoad({ ...load, to: to(3) }, contestant.port)
    await contestant.drained?.()
    window = [began, microseconds()]
  } finally {
    await contestant.stop()
  }
  for (const file of readdirSync(folder)) {
    const path = join(folder, file)
    const costs = selfTimes(JSON.parse(readFileSync(path, 'utf8')) as Profile, window)
    console.log(`\n${name}: ${path}`)
    tellSums(costs, owner, load.messages)
    tellSums(costs, place, load.messages)
  }
}

type Costs = ReadonlyMap<Frame, number>

function selfTimes(profile: Profile, [from, to]: readonly [number, number]): Costs {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const costs = new Map<Frame, number>()
  let now = profile.startTime
  profile.samples.forEach((id, at) => {
    // a sample stands for the time until the next one
    now += profile.timeDeltas[at] ?? 0
    const frame = frames.get(id)
    if (now < from || now > to || !frame) return
    costs.set(frame, (costs.get(frame) ?? 0) + (profile.timeDeltas[at + 1] ?? 0))
  })
  return costs
}

function owner({ functionName, url }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'V8 and the system'
  if (url.startsWith('node:')) return 'Node'
  const path = pathOf(url)
  if (path.includes('node_modules/'))
    return /node_modules\/haraka/i.test(path) ? 'Haraka' : 'libraries'
  return path.startsWith(relative(root, dist)) ? 'the pack' : 'Haraka'
}

function place(frame: Frame): string {
  return `${frame.functionName || '(anonymous)'} ${pathOf(frame.url)}:${frame.lineNumber + 1}`
}

function pathOf(url: string): string {
  return relative(root, url.replace('file://', ''))
}

function tellSums(costs: Costs, nameOf: (frame: Frame) => string, messages: number): void {
  const sums = new Map<string, number>()
  for (const [frame, cost] of costs) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + cost)
  const dearest = [...sums].sort(([, a], [, b]) => b - a).slice(0, 40)
  for (const [what, sum] of dearest)
    console.log(`${(sum / messages).toFixed(1).padStart(8)} µs  ${what}`)
}

function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
