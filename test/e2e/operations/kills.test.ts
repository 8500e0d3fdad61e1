/** The kills in the middle of an administrator's commands in their short form; `npm run queue-kills`. */
import assert from 'node:assert/strict'

import { formatKills, QueueKills } from '../../../scripts/queue-kills.js'
import { verbs } from '../../../scripts/queue-kills/judge.js'

for (const nodes of [1, 2]) {
  describe(`a gateway that is killed while its queue is worked on, nodes=${nodes}`, function () {
    this.timeout(90_000)
    let kills: QueueKills

    before(async () => {
      kills = await QueueKills.start(nodes)
    })
    after(() => kills.stop())

    for (const verb of verbs) {
      it(`${verb}: nothing lost, nothing doubled, what was said is done`, async () => {
        const result = await kills.run(verb, 2)
        console.log(`      ${formatKills(verb, nodes, result)}`)
        assert.deepEqual(result.faults, [])
        assert.ok(result.done + result.cutOff >= 2)
      })
    }
  })
}
