/**
 * A host is judged by its sessions and by nothing else: what happens to one message, because of a
 * stranger, a tarpit or a slow answer, holds up nobody else's.
 */
import assert from 'node:assert/strict'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway, type Way } from './faults.js'
import {
  addresses,
  delivered,
  OtherMail,
  reportedTo,
  untilDelivered,
  untilQueued,
} from './other-mail.js'

const unknownIsNo = {
  rcpt: (to: string) => (to.startsWith('no') ? '550 5.1.1 unknown here' : undefined),
}

describe('a host is judged by its sessions', function () {
  this.timeout(60_000)

  let strict: FaultServer
  let tarpit: FaultServer
  let away: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess

  const from = 'a@sender.example'
  const logged = (host: FaultServer, words: string): string[] =>
    gateway.logLines.filter((line) => line.includes(`:${host.port}`) && line.includes(words))

  before(async () => {
    strict = await FaultServer.start({
      host: '127.0.0.2',
      limits: { errors: 20 },
      script: unknownIsNo,
    })
    tarpit = await FaultServer.start({
      host: '127.0.0.2',
      limits: { tarpit: 1000 },
      script: unknownIsNo,
    })
    away = await FaultServer.start({ host: '127.0.0.2' })
    sender = await FaultServer.start({ host: '127.0.0.3' })
    const way = (name: string, { smartHost }: FaultServer): Way => ({
      domains: [`${name}.example`],
      smartHosts: smartHost,
      settings: ['tls = none'],
    })
    gateway = await startDeliveryGateway({
      shortWaits: true,
      ways: {
        strict: way('strict', strict),
        tarpit: way('tarpit', tarpit),
        away: way('away', away),
        reports: way('sender', sender),
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([strict, tarpit, away, sender].map((server) => server?.stop()))
  })

  it('a stranger writes to made-up users, and the host ends sessions: honest mail goes on', async () => {
    const honest = new OtherMail(gateway, strict, 'strict.example', 100)
    for (let round = 0; round < 10; round++) {
      const to = addresses(`no${round}-`, 25, 'strict.example')
      const { data } = await send(gateway, { from: `stranger${round}@sender.example`, to })
      assert.equal(data?.code === 250 || data?.code === 550, true, data?.text)
    }
    await honest.finish()
    assert.deepEqual(logged(strict, 'left alone'), [])
    assert.equal(
      delivered(strict).some((to) => to.startsWith('no')),
      false,
    )
  })

  it('a tarpit: that message takes its time, others go by', async () => {
    sender.memory.clear()
    const others = new OtherMail(gateway, tarpit, 'tarpit.example')
    const to = ['good@tarpit.example', ...addresses('no', 5, 'tarpit.example')]
    const { data } = await send(gateway, { from, to })
    assert.equal(data?.code, 250, data?.text)
    await untilDelivered(tarpit, ['good@tarpit.example'])
    await eventually(() => {
      // those of the stranger above may still come
      const got = reportedTo(sender)
        .filter((address) => to.includes(address))
        .sort()
      return String(got) === String(to.slice(1)) ? undefined : `reported: ${got.join(', ')}`
    })
    await others.finish()
    assert.equal(tarpit.memory.arrivals.get('good@tarpit.example')?.length, 1)
    assert.deepEqual(logged(tarpit, 'left alone'), [])
  })

  it('a message that takes its time is not what the others wait for', async () => {
    await away.stop()
    const slow = 'slow@away.example'
    const waiting = addresses('waits', 10, 'away.example')
    for (const to of [slow, ...waiting]) {
      const { data } = await send(gateway, { from, to: [to] })
      assert.match(data?.text ?? '', /^250 2\.0\.0 queued/u)
    }
    await untilQueued(gateway, waiting.length + 1)
    // longer than anybody waits for the others; the least of the patience of this test's gateway
    away.script = {
      dot: ({ to }) => (to.includes(slow) ? { after: 2500, step: '250 2.0.0 taken' } : undefined),
    }
    const others = new OtherMail(gateway, strict, 'strict.example')
    await away.start()
    const answered = new Map<string, number>()
    await untilDelivered(away, [slow, ...waiting], 30_000)
    for (const [to, [at = 0]] of away.memory.arrivals) answered.set(to, at)
    const slowEnds = (answered.get(slow) ?? 0) + 2500
    const first = Math.min(...waiting.map((to) => answered.get(to) ?? 0))
    const last = Math.max(...waiting.map((to) => answered.get(to) ?? 0))
    // whichever of them came first: they came together, and not after it
    assert.ok(last - first < 2500 && (first < slowEnds || last < slowEnds), [...answered].join(' '))
    await others.finish()
    assert.equal(
      logged(away, 'is left alone for a while').length,
      1,
      'one line when it is left alone',
    )
    assert.equal(logged(away, 'answers again').length, 1, 'one line when it answers again')
  })
})
