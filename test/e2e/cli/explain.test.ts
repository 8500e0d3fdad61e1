/** `explain` for every row of the decision table, compared with what the running gateway answers. */
import assert from 'node:assert/strict'

import type { Explanation } from '../../../plugins/gateway/explain.js'
import { runCommand } from '../../cli/command.js'
import { Catcher, SmtpClient, startGateway, type Gateway } from '../../harness/haraka.js'
import { decisionConfig, plugins, relaying, rows, unixAddress } from '../decision-rows.js'

describe('address-space explain and the running gateway', function () {
  this.timeout(60_000)
  let unix: Catcher
  let gateway: Gateway
  /** by client address and recipient */
  const explained = new Map<string, Explanation>()

  before(async () => {
    unix = await Catcher.start({ host: unixAddress })
    gateway = await startGateway({ plugins, config: decisionConfig(unix.smartHost) })
    for (const client of new Set(rows.map(([, , from]) => from))) {
      const asked = rows.filter(([, , from]) => from === client).map(([, recipient]) => recipient)
      const may = client === relaying ? ['--relaying'] : []
      const args = ['explain', '--json', '--from', client, ...may, '--config', gateway.dir]
      const { code, stdout } = await runCommand([...args, ...asked])
      assert.equal(code, 0)
      const lines = stdout.trim().split('\n')
      for (const [index, recipient] of asked.entries()) {
        explained.set(`${client} ${recipient}`, JSON.parse(lines[index] ?? '') as Explanation)
      }
    }
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  for (const [what, recipient, localAddress] of rows) {
    it(what, async () => {
      const client = await SmtpClient.connect(gateway, { localAddress })
      await client.ehlo()
      await client.mail('sender@client.example')
      const from = gateway.logLines.length
      const { code, enhanced } = await client.rcpt(recipient)
      await client.quit()
      const explanation = explained.get(`${localAddress} ${recipient}`)
      assert.deepEqual(
        { code: explanation?.reply.code, enhanced: explanation?.reply.enhanced },
        { code, enhanced },
      )
      const [, rule, place] = await gateway.waitForLog(
        /decision=(\S+) recipient=\S+ (?:place=(\S+))?/u,
        5000,
        from,
      )
      const { decision } = explanation ?? {}
      assert.deepEqual([decision?.decision, decision?.place], [rule, place])
    })
  }
})
