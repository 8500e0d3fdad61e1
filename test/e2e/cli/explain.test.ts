/** `explain` for every row of the decision table, compared with what the running gateway answers. */
import assert from 'node:assert/strict'

import type { Explanation } from '../../../plugins/decision/explanation.js'
import { runCommand } from '../../cli/command.js'
import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import {
  decisionConfig,
  faultyPlugins,
  faultyRows,
  plugins,
  relaying,
  rows,
  silentConfig,
  silentRows,
  unixAddress,
  type Row,
} from '../decision-rows.js'

interface Scenario {
  readonly title: string
  readonly plugins: readonly string[]
  readonly config: (unixSmartHost: string) => Record<string, string>
  readonly rows: readonly Row[]
}

const scenarios: readonly Scenario[] = [
  { title: 'all', plugins, config: decisionConfig, rows },
  { title: 'a silent directory', plugins, config: () => silentConfig, rows: silentRows },
  { title: 'a fault', plugins: faultyPlugins, config: decisionConfig, rows: faultyRows },
]

for (const scenario of scenarios) {
  describe(`address-space explain and the running gateway: ${scenario.title}`, function () {
    this.timeout(60_000)
    let unix: Catcher
    let gateway: GatewayProcess
    /** by client address and recipient */
    const explained = new Map<string, Explanation>()

    before(async () => {
      unix = await Catcher.start({ host: unixAddress })
      const config = scenario.config(unix.smartHost)
      gateway = await startGateway({ plugins: scenario.plugins, config })
      for (const client of new Set(scenario.rows.map(([, , from]) => from))) {
        const asked = scenario.rows.flatMap(([, to, from]) => (from === client ? to : []))
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

    for (const [what, recipient, localAddress, code, enhanced] of scenario.rows) {
      it(`${what}: ${code} ${enhanced}`, async () => {
        const client = await SmtpClient.connect(gateway, { localAddress })
        await client.ehlo()
        await client.mail('sender@client.example')
        const from = gateway.logLines.length
        const answer = await client.rcpt(recipient)
        await client.quit()
        assert.deepEqual([answer.code, answer.enhanced], [code, enhanced])
        const { reply, decision } = explained.get(`${localAddress} ${recipient}`) ?? {}
        assert.deepEqual([reply?.code, reply?.enhanced], [code, enhanced])
        const [, rule, place] = await gateway.waitForLog(
          /decision=(\S+) recipient="(?:[^"\\]|\\.)*" (?:place="(\S+)")?/u,
          5000,
          from,
        )
        assert.deepEqual([decision?.decision, decision?.place], [rule, place])
      })
    }
  })
}
