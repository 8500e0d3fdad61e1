/**
 * Damages a good export of 200 people in thousands of ways and asks what the directory then says:
 *
 *   nobody who is in the good one is ever unknown, neither when the damaged version appears nor after a
 *   restart; an address that never was is unknown where the damage does not touch certainty
 *
 *   npm run damage                       2,000 versions
 *   npm run damage -- --count 100000 --seed 7
 *   npm run damage -- --format ldif      one format only
 *
 * Prints what became of them by kind of damage. Exits 1 at the first version that breaks a promise, and
 * keeps it. A version that is cut off exactly between two rows is one with fewer people: such are left out.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { errorText } from '../plugins/basics/error-text.js'
import { parseDirectoryConfig } from '../plugins/directory/config.js'
import { DirectoryError } from '../plugins/directory/directory.js'
import { readSnapshot } from '../plugins/directory/file-reading.js'
import { loadSnapshot, saveSnapshot } from '../plugins/directory/snapshot-file.js'
import { whyKeptOut, type Snapshot } from '../plugins/directory/snapshot.js'
import { mailAddress } from '../plugins/mail/mail-address.js'
import { damage, damages, goodExport, type Export } from './damage/damages.js'
import { dice } from './damage/dice.js'
import { temporaryFolder } from './servers/process.js'

const quiet = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, crit() {} }

export interface DamageResult {
  /** by kind of damage: versions in use, kept out, and with unknown still unknown */
  readonly kinds: ReadonlyMap<string, { used: number; keptOut: number; certain: number }>
  /** the first version that broke a promise */
  readonly broken?: { readonly kind: string; readonly what: string; readonly file: string }
}

const formats = ['csv', 'ldif'] as const

/** Tries `count` damaged versions, of both formats unless told. */
export async function tryDamage(
  count: number,
  seed: number,
  progress: (done: number) => void = () => {},
  tried: readonly Export['format'][] = formats,
): Promise<DamageResult> {
  const folder = temporaryFolder('damage')
  mkdirSync(join(folder, 'state'))
  const roll = dice(seed)
  const kinds = new Map<string, { used: number; keptOut: number; certain: number }>()
  const each = count / tried.length
  let done = 0
  for (const format of tried) {
    const good = goodExport(format)
    const former = await read(folder, good.text, format)
    if (!(former instanceof Error)) await save(folder, format, former)
    for (let run = 0; run < each; run++) {
      if ((done += 1) % 1000 === 0) progress(done)
      const kind = damages[roll(damages.length)] ?? 'cut'
      const text = damage(kind, good, roll)
      if (text === undefined) continue
      const tally = kinds.get(`${format} ${kind}`) ?? { used: 0, keptOut: 0, certain: 0 }
      kinds.set(`${format} ${kind}`, tally)
      const answering = await inForce(folder, format, text)
      if (answering.keptOut) tally.keptOut += 1
      else tally.used += 1
      const lost = good.addresses.find((address) => isUnknown(answering.snapshot, address))
      if (lost !== undefined) {
        const file = join(folder, `broken.${format}`)
        writeFileSync(file, text)
        return { kinds, broken: { kind, what: `${lost} became unknown`, file } }
      }
      if (isUnknown(answering.snapshot, 'never.was@example.com')) tally.certain += 1
    }
  }
  return { kinds }
}

/** The version that answers after a restart with the damaged file: itself, or the last good one. */
async function inForce(
  folder: string,
  format: Export['format'],
  text: string | Buffer,
): Promise<{ snapshot: Snapshot | undefined; keptOut: boolean }> {
  const saved = await loadSnapshot(join(folder, 'state', format), format)
  const next = await read(folder, text, format)
  const reason =
    next instanceof Error ? next.message : await whyKeptOut(saved?.snapshot, next, false)
  if (reason !== undefined || next instanceof Error) {
    return { snapshot: saved?.snapshot, keptOut: true }
  }
  return { snapshot: next, keptOut: false }
}

async function read(
  folder: string,
  text: string | Buffer,
  format: Export['format'],
): Promise<Snapshot | Error> {
  const path = join(folder, `people.${format}`)
  writeFileSync(path, text)
  const [settings] = parseDirectoryConfig(['[people]', `url = file:people.${format}`]).directories
  if (settings?.kind !== 'file') throw new Error('expected a file')
  try {
    return await readSnapshot({ name: 'people', path, log: quiet }, settings, () => false)
  } catch (error) {
    return error as Error
  }
}

function save(folder: string, format: string, snapshot: Snapshot): Promise<void> {
  return saveSnapshot(join(folder, 'state', format), format, { version: 'good', snapshot })
}

/** Not found, and nothing says that it cannot be told. */
function isUnknown(snapshot: Snapshot | undefined, text: string): boolean {
  if (!snapshot) return false
  const at = text.lastIndexOf('@')
  const { key } = mailAddress(text.slice(0, at), text.slice(at + 1))
  try {
    return snapshot.find(key).length === 0 && snapshot.whyInDoubt(key) === undefined
  } catch (error) {
    if (error instanceof DirectoryError) return false
    throw error
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      format: { type: 'string' },
    },
  })
  const started = performance.now()
  const passed = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`
  console.log(`${values.count} versions, seed ${values.seed}`)
  const only = formats.filter((format) => values.format === undefined || values.format === format)
  if (only.length === 0) {
    throw new Error(`--format: expected ${formats.join(' or ')}, got \`${values.format}\``)
  }
  const { kinds, broken } = await tryDamage(
    Number(values.count),
    Number(values.seed),
    (done) => console.log(`${done} after ${passed()}`),
    only,
  )
  for (const [kind, { used, keptOut, certain }] of [...kinds].sort(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    console.log(
      `${kind.padEnd(24)} ${String(used).padStart(6)} in use ${String(keptOut).padStart(6)} kept out ${String(certain).padStart(6)} with unknown still unknown`,
    )
  }
  const tried = [...kinds.values()].reduce((sum, { used, keptOut }) => sum + used + keptOut, 0)
  console.log(`${tried} versions in ${passed()}; ${broken ? 'broken' : 'nobody became unknown'}`)
  if (broken) {
    console.error(
      `${broken.kind}: ${broken.what}; the version: ${broken.file} (KEEP_TEMP=1 keeps it)`,
    )
    process.exitCode = 1
  }
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(errorText(error))
    process.exitCode = 1
  })
}
