/**
 * Files of Haraka's queue, spoilt while no gateway runs: notes that nobody would write, and frames that are
 * damaged. A damaged file can be delivered by nobody; it must stay, under its name or as `error.*`, and keep nothing
 * else from going out.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Finding } from './finding.js'
import { pieces, type Chance } from './random.js'

export interface DamagedFile {
  readonly name: string
  readonly how: string
  readonly octets: Buffer
}

const most = 5

/** Whole frames, with notes of any kind. */
export function spoilNotes(queue: string, chance: Chance): void {
  for (const { name, todo, body } of entries(queue)) {
    const notes = chance.spoil(todo['notes'], pieces)
    const spoilt = { ...todo, notes: typeof notes === 'object' && notes !== null ? notes : {} }
    writeFileSync(join(queue, copyOf(name, chance)), framed(JSON.stringify(spoilt), body))
  }
}

/** One file for each way in which a frame can be damaged. */
export function damageFrames(queue: string, chance: Chance): DamagedFile[] {
  const [entry] = entries(queue)
  if (!entry) return []
  const head = JSON.stringify(entry.todo)
  const good = framed(head, entry.body)
  const cut = Math.max(5, chance.below(head.length))
  const damages: Record<string, Buffer> = {
    'cut off in the head': good.subarray(0, 4 + cut),
    'cut off in the length': good.subarray(0, 3),
    'a length beyond the file': withLength(good, good.length + 1 + chance.below(1_000_000)),
    'a length of four gigabytes': withLength(good, 0xff_ff_ff_ff),
    'a length of nothing': withLength(good, 0),
    'a length too short': withLength(good, cut),
    'a length into the message': withLength(good, head.length + 3),
    'no JSON': framed(chance.mutate(head, pieces).replaceAll(/[{}]/gu, ''), entry.body),
    'no JSON but for the end': framed(`${head.slice(0, cut)}}`, entry.body),
    'JSON of another kind': framed('{"a":{}}', entry.body),
    octets: Buffer.from(Array.from({ length: 4000 }, () => chance.below(256))),
  }
  return Object.entries(damages).flatMap(([how, octets]) =>
    // new, and after more attempts than Haraka makes
    [0, 99].map((attempts) => {
      const name = copyOf(entry.name, chance).replace(/^(\d+_\d+)_\d+_/u, `$1_${attempts}_`)
      const own = Buffer.concat([octets, Buffer.from(`${octets.length < 4 ? '' : attempts}`)])
      writeFileSync(join(queue, name), own)
      return { name, how: `${how}, ${attempts} attempts`, octets: own }
    }),
  )
}

/** Those whose octets are no longer there. */
export function lostFrames(queue: string, damaged: readonly DamagedFile[]): Finding[] {
  // Haraka gives them other names: attempts, the next one's time, the process, a counter
  const there = readdirSync(queue).map((file) => readFileSync(join(queue, file)))
  return damaged.flatMap(({ name, how, octets }): Finding[] => {
    if (there.some((file) => file.equals(octets))) return []
    return [{ what: `a file of the queue with ${how}`, detail: `${name} is gone` }]
  })
}

interface Entry {
  readonly name: string
  readonly todo: Record<string, unknown>
  readonly body: Buffer
}

function entries(queue: string): Entry[] {
  return readdirSync(queue)
    .filter((name) => /^\d+_/u.test(name))
    .slice(0, most)
    .flatMap((name) => {
      const file = readFileSync(join(queue, name))
      const end = 4 + (file.length < 4 ? 0 : file.readUInt32BE(0))
      try {
        const todo = JSON.parse(file.toString('utf8', 4, end)) as Record<string, unknown>
        return [{ name, todo, body: file.subarray(end) }]
      } catch {
        // one that was damaged before
        return []
      }
    })
}

function framed(head: string, body: Buffer): Buffer {
  const octets = Buffer.from(head)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(octets.length)
  return Buffer.concat([size, octets, body])
}

function withLength(good: Buffer, length: number): Buffer {
  const octets = Buffer.from(good)
  octets.writeUInt32BE(length)
  return octets
}

/** A name of the same kind that no entry has. */
function copyOf(name: string, chance: Chance): string {
  return name.replace(/_(\d+)_([^_]*)$/u, (_, counter: string, host: string) => {
    return `_${Number(counter) + 100_000 + chance.below(1_000_000)}_${host}`
  })
}
