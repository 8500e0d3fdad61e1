/**
 * Reports, and mail with the null sender that is none: the host's whole address, the header as it was,
 * and only what Haraka itself made is routed anew.
 */
import assert from 'node:assert/strict'

import { freePort } from '../../../plugins/stage/free-port.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { connectorsIni, eventually, startDeliveryGateway, type Way } from './faults.js'
import { delivered, OtherMail, untilQueued, untilQueueIsEmpty } from './other-mail.js'

const unknownIsNo = {
  rcpt: (to: string) => (to.startsWith('no') ? '550 5.1.1 unknown here' : undefined),
}

describe('a report', function () {
  this.timeout(60_000)

  let six: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    six = await FaultServer.start({ host: '::1', script: unknownIsNo })
    sender = await FaultServer.start({ host: '127.0.0.3' })
    gateway = await startDeliveryGateway({
      ways: {
        six: {
          domains: ['six.example'],
          smartHosts: six.smartHost,
          settings: ['delivery = queue'],
        },
        reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([six, sender].map((server) => server?.stop()))
  })

  it('names an IPv6 host in full, and returns the header without doubled dots', async () => {
    const others = new OtherMail(gateway, six, 'six.example')
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@sender.example')
    await client.rcpt('no@six.example')
    await client.data('Subject: x\r\nX-Text: a\r\n.Odd: one dot\r\n\r\nbody\r\n')
    await client.quit()
    await eventually(() => (sender.messages.length > 0 ? undefined : 'no report'))
    await others.finish()
    const text = (sender.messages[0]?.wire.toString() ?? '').replaceAll(/^\./gmu, '')
    assert.match(text, /^Remote-MTA: dns; \[?(?:IPv6:)?::1\]?\r$/mu)
    assert.match(text, /^\.Odd: one dot\r$/mu)
    assert.doesNotMatch(text, /^\.\.Odd/mu)
  })
})

describe('mail with the null sender that waits for an MX', function () {
  this.timeout(60_000)

  it('a connector for the domain is added: each recipient has it once', async () => {
    const mx = await FaultServer.start({ host: '127.0.0.2', port: await freePort('127.0.0.2') })
    const unix = await FaultServer.start({ host: '127.0.0.3' })
    await mx.stop()
    const own: Way = { domains: ['own.example'], smartHosts: unix.smartHost }
    const added: Way = { domains: ['mx.example'], smartHosts: unix.smartHost }
    const gateway = await startDeliveryGateway({
      ways: { own },
      pluginFiles: {
        'relaying.js':
          'exports.hook_connect = (next, connection) => { connection.relaying = true; next() }\n',
        'next_hop.js': `exports.hook_get_mx = (next) => next(OK, { exchange: '${mx.host}', port: ${mx.port}, priority: 0 })\n`,
      },
    })
    try {
      const to = ['a@mx.example', 'b@mx.example']
      const { data } = await send(gateway, { from: '', to })
      assert.equal(data?.code, 250, data?.text)
      await untilQueued(gateway, 1)
      await gateway.writeConfig('connectors.ini', connectorsIni({ own, added }))
      await gateway.waitForLog(/read again and is in force/u, 30_000)
      await mx.start()
      await untilQueueIsEmpty(gateway, 30_000)
      assert.deepEqual([...delivered(mx), ...delivered(unix)].sort(), to)
    } finally {
      await gateway.stop()
      await Promise.all([mx, unix].map((server) => server.stop()))
    }
  })
})
