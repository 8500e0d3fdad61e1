/** Every row of the decision table, asked of a real gateway over SMTP: code and enhanced code. */
import assert from 'node:assert/strict'

import { Catcher, send, SmtpClient, startGateway, type GatewayProcess } from '../harness/haraka.js'
import {
  decisionConfig,
  plugins,
  rows,
  silentConfig,
  silentRows,
  stranger,
  unixAddress,
} from './decision-rows.js'

describe('the decision table over SMTP', () => {
  let unix: Catcher
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    unix = await Catcher.start({ host: unixAddress })
    gateway = await startGateway({
      plugins,
      config: decisionConfig(unix.smartHost),
    })
  })
  after(async () => {
    await gateway.stop()
    await unix.stop()
  })

  for (const [what, recipient, localAddress, code, enhanced] of rows) {
    it(`${what}: ${code} ${enhanced}`, async () => {
      const client = await SmtpClient.connect(gateway, { localAddress })
      await client.ehlo()
      await client.mail('sender@client.example')
      const reply = await client.rcpt(recipient)
      await client.quit()
      assert.deepEqual([reply.code, reply.enhanced], [code, enhanced], reply.text)
      assert.doesNotMatch(reply.text, /internetUser@remote\.domain|CN=/u)
    })
  }

  it('answers each recipient of a transaction on its own', async () => {
    const to = rows.filter(([, , from]) => from === stranger).map(([, recipient]) => recipient)
    const { rcpt } = await send(gateway, { from: 'sender@client.example', to })
    assert.deepEqual(
      rcpt.map((reply) => reply.code),
      rows.filter(([, , from]) => from === stranger).map(([, , , code]) => code),
    )
  })

  it('logs each decision as one line', async () => {
    const from = gateway.logLines.length
    const to = ['chain@example.com', 'twin@example.com']
    await send(gateway, { from: 'sender@client.example', to })
    const chain =
      /decision=contact recipient="chain@example\.com" place="connector:remote" directory="corp" chain=\["chain@example\.com","internetuser@xo\.one","internetUser@remote\.domain"\]/u
    await gateway.waitForLog(chain, 5000, from)
    await gateway.waitForLog(/decision=ambiguous .* reply="450 4\.1\.4" .*CN=Twin 1/u, 5000, from)
  })
})

describe('the decision table without an answer from the directory', () => {
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    gateway = await startGateway({
      plugins,
      config: silentConfig,
    })
  })
  after(() => gateway.stop())

  for (const [, recipient, , code, enhanced] of silentRows) {
    it(`${recipient}: ${code} ${enhanced}`, async () => {
      const { rcpt } = await send(gateway, { from: 'sender@client.example', to: [recipient] })
      assert.deepEqual([rcpt[0]?.code, rcpt[0]?.enhanced], [code, enhanced], rcpt[0]?.text)
    })
  }
})
