/** Every scenario, in the order in which they are run. */
import { attack } from './attack.js'
import { farHost } from './far-host.js'
import { outage } from './outage.js'
import type { Scenario } from './scenario.js'
import { sessions20, sessions5 } from './sessions.js'
import { slowHost } from './slow-host.js'

export const scenarios: readonly Scenario[] = [
  attack,
  sessions20,
  sessions5,
  slowHost,
  outage,
  farHost,
]
