/**
 * The final dot: once it is sent, and no answer comes, the host may have the message. It is tried
 * again much later, not at once; and no dot is sent when its time is over.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { startDeliveryGateway, type Way } from './faults.js'
import { OtherMail, untilDelivered, untilQueued, untilQueueIsEmpty } from './other-mail.js'

const from = 'a@sender.example'
const way = (name: string, { smartHost }: FaultServer): Way => ({
  domains: [`${name}.example`],
  smartHosts: smartHost,
  settings: ['tls = none', 'retry = 1s'],
})

describe('an answer to the final dot that gets lost', function () {
  this.timeout(60_000)

  for (const dot of ['close', { after: 1000, step: 'close' }] as const) {
    const how = dot === 'close' ? 'at once' : 'after a while'
    it(`${how}: not sent again for a while, and other mail to the host goes by`, async () => {
      const host = await FaultServer.start({
        host: '127.0.0.2',
        script: { dot: ({ to }) => (to[0]?.startsWith('lost') === true ? dot : undefined) },
      })
      const gateway = await startDeliveryGateway({ ways: { unix: way('unix', host) } })
      try {
        const others = new OtherMail(gateway, host, 'unix.example')
        const { data } = await send(gateway, { from, to: ['lost@unix.example'] })
        assert.match(data?.text ?? '', /^250 2\.0\.0 queued/u)
        await untilQueued(gateway, 1)
        await sleep(4000)
        await others.finish()
        const lost = host.seen.filter(({ to }) => to.includes('lost@unix.example'))
        assert.equal(lost.length, 1, 'sent again at once')
        // nor at the start of another process
        await gateway.restart()
        await sleep(2000)
        assert.equal(host.memory.asked.get('lost@unix.example')?.length, 1)
        assert.equal((await gateway.queue()).length, 1)
      } finally {
        await gateway.stop()
        await host.stop()
      }
    })
  }
})

describe('a disk that is slow', function () {
  this.timeout(60_000)

  let host: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    host = await FaultServer.start({
      host: '127.0.0.2',
      script: { rcpt: (to) => (to.startsWith('later') ? '450 4.2.0 not yet' : undefined) },
    })
    gateway = await startDeliveryGateway({
      shortWaits: true,
      preload: ['slow-disk.cjs'],
      ways: { unix: way('unix', host) },
    })
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  it('no dot is sent past its time: the client hears 250, and it is delivered once', async () => {
    const to = ['ok@unix.example', 'later@unix.example']
    const { data } = await send(gateway, { from, to })
    assert.match(data?.text ?? '', /^250 2\.0\.0 queued/u)
    host.script = {}
    await untilDelivered(host, to, 30_000)
    await untilQueueIsEmpty(gateway, 30_000)
    for (const address of to) {
      assert.equal(host.memory.arrivals.get(address)?.length, 1, `${address} came twice`)
    }
    const { seen } = host
    assert.equal(seen.filter((message) => message.to.includes('ok@unix.example')).length, 1)
  })
})
