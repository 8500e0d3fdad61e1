/**
 * Fuzzes what comes from outside.
 *
 *   npm run fuzz -- --minutes 20            a seed of the day; told at the start
 *   npm run fuzz -- --minutes 1 --seed 7
 *
 * Prints what it found and the figures. Exits 1 if it found anything.
 */
import { parseArgs } from 'node:util'

import { fuzz } from './fuzz.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 86_400_000) * 1000) },
  },
})

async function main(): Promise<void> {
  console.log(`seed ${values.seed}, ${values.minutes} minutes`)
  const figures = await fuzz(Number(values.seed), Number(values.minutes), (line) =>
    console.log(line),
  )
  const { inputs, rounds, accepted, restarts, findings } = figures
  for (const [name, count] of Object.entries(inputs)) console.log(`${name.padEnd(20)} ${count}`)
  console.log(
    `${rounds} rounds of a gateway between clients and hosts, ${accepted} messages accepted, ${restarts} restarts`,
  )
  console.log(`${findings.length} findings`)
  if (findings.length > 0) process.exitCode = 1
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
