/** Fuzzing for a time: the parts that read what comes from outside, and a gateway between clients and hosts. */
import { errorStack } from '../../plugins/basics/error-text.js'
import type { Finding } from './finding.js'
import { fuzzLdap } from './ldap.js'
import { Live } from './live.js'
import { parts } from './parts.js'
import { Chance } from './random.js'

// milliseconds for one input; a pause of the machine is told from a slow reader by a second try
const slow = 500
const liveBatch = 25

export interface FuzzFigures {
  /** inputs of each part */
  readonly inputs: Readonly<Record<string, number>>
  readonly rounds: number
  readonly accepted: number
  readonly restarts: number
  readonly findings: readonly Finding[]
}

/** Tries all parts with seeds from `seed` on for some milliseconds; a finding names its seed. */
export function fuzzParts(
  seed: number,
  ms: number,
  inputs: Record<string, number> = {},
): Finding[] {
  const findings: Finding[] = []
  const each = ms / Object.keys(parts).length
  for (const [name, part] of Object.entries(parts)) {
    const end = performance.now() + each
    for (let at = seed; performance.now() < end; at += 1) {
      inputs[name] = (inputs[name] ?? 0) + 1
      const took = (): number => {
        const started = performance.now()
        part(new Chance(at))
        return performance.now() - started
      }
      try {
        if (took() > slow && took() > slow) {
          findings.push({ what: `${name}: slow`, detail: `seed ${at}` })
        }
      } catch (error) {
        findings.push({ what: name, detail: `seed ${at}: ${errorStack(error)}` })
        break
      }
    }
  }
  return findings
}

export async function fuzz(
  seed: number,
  minutes: number,
  progress: (line: string) => void,
): Promise<FuzzFigures> {
  const end = performance.now() + minutes * 60_000
  const inputs: Record<string, number> = {}
  const findings: Finding[] = []
  const found = (some: readonly Finding[]): void => {
    for (const one of some) progress(`! ${one.what}: ${one.detail}`)
    findings.push(...some)
  }
  const live = await Live.start()
  try {
    for (let at = seed; performance.now() < end; at += 1_000_000) {
      found(fuzzParts(at, 4000, inputs))
      for (let round = 0; round < liveBatch && performance.now() < end; round += 1) {
        const some = await live.round(new Chance(at + round))
        found(some.map(({ what, detail }) => ({ what, detail: `seed ${at + round}: ${detail}` })))
      }
      found(await live.settle())
      found(await live.spoiltQueue(new Chance(at)))
      const ldap = await fuzzLdap(at, 10_000)
      inputs['LDAP lookups'] = (inputs['LDAP lookups'] ?? 0) + ldap.lookups
      found(ldap.findings)
      const sum = Object.values(inputs).reduce((all, one) => all + one, 0)
      progress(`${sum} inputs, ${live.rounds} rounds, ${live.accepted} messages accepted`)
    }
    found(await live.settle())
    const { rounds, accepted, restarts } = live
    return { inputs, rounds, accepted, restarts, findings }
  } finally {
    await live.stop()
  }
}
