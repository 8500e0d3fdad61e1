/**
 * What a replica owes, shown on a Samba domain controller with many objects: every address answered while
 * all servers are stopped and Haraka was restarted; changes and deletions in force in time; a half-empty
 * controller kept out; made-up recipients unseen by the controller. Then what a replica costs: time to
 * load it from disk, memory, and a decision. Root on Debian; some minutes.
 *
 *   npm run replica -- [--objects 20000] [--large 200000]
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

import { cost } from './replica/cost.js'
import { outage } from './replica/outage.js'

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '20000' },
    large: { type: 'string', default: '200000' },
    /** only the cost of a large one, in a process of its own */
    cost: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  const large = Number(values.large)
  if (values.cost) return cost(large)
  const objects = Number(values.objects)
  if (objects > 0) await outage(objects)
  const own = ['--expose-gc', ...process.execArgv, __filename, '--cost', '--large', String(large)]
  execFileSync(process.execPath, own, { stdio: 'inherit' })
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
