/**
 * The disk: mail that can go to nobody does not fill it, a gateway that is short of space takes no
 * mail and goes on delivering, and a process that starts takes away nothing that another one writes.
 */
import assert from 'node:assert/strict'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { childrenOf } from '../../../scripts/bench/usage.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { connectorsIni, eventually, startDeliveryGateway, type Way } from './faults.js'
import { OtherMail, untilDelivered, untilQueued, untilQueueIsEmpty } from './other-mail.js'

const unknownIsNo = {
  rcpt: (to: string) => (to.startsWith('no') ? '550 5.1.1 unknown here' : undefined),
}

const waysTo = (host: FaultServer): Record<string, Way> => ({
  unix: {
    domains: ['unix.example'],
    smartHosts: host.smartHost,
    settings: ['tls = none', 'retry = 2s'],
  },
})

describe('mail that can go to nobody', function () {
  this.timeout(60_000)

  let host: FaultServer
  let gateway: GatewayProcess
  const kept = async (): Promise<string[]> =>
    (await readdir(join(gateway.dir, 'queue'))).filter((name) => name.startsWith('error.'))

  before(async () => {
    host = await FaultServer.start({ host: '127.0.0.2', script: unknownIsNo })
    gateway = await startDeliveryGateway({ ways: waysTo(host) })
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  it('<> to somebody and to an unknown one, again and again: nothing stays', async () => {
    const others = new OtherMail(gateway, host, 'unix.example')
    for (let time = 0; time < 5; time++) {
      const to = [`yes${time}@unix.example`, `no${time}@unix.example`]
      const { data } = await send(gateway, { from: '', to })
      assert.equal(data?.code, 250)
    }
    await untilDelivered(host, ['yes4@unix.example'])
    await untilQueueIsEmpty(gateway)
    await others.finish()
    assert.deepEqual(await readdir(join(gateway.dir, 'queue')), [])
  })

  it('what was refused for another reason is kept, and goes after a week', async () => {
    host.script = { rcpt: (to) => (to.startsWith('no') ? '554 5.7.1 not from there' : undefined) }
    await send(gateway, { from: '', to: ['yes@unix.example', 'no@unix.example'] })
    await eventually(async () => ((await kept()).length === 1 ? undefined : 'nothing is kept'))
    const [name = ''] = await kept()
    const old = join(gateway.dir, 'queue', 'error.older')
    await writeFile(old, 'x')
    const eightDaysAgo = new Date(Date.now() - 8 * 86_400_000)
    await utimes(old, eightDaysAgo, eightDaysAgo)
    await gateway.restart()
    await eventually(async () => {
      const left = await kept()
      return String(left) === name ? undefined : `kept: ${left.join(', ')}`
    })
    assert.match(gateway.log, /error\.older/u)
  })
})

describe('a disk that is nearly full', function () {
  this.timeout(60_000)

  it('452 to MAIL, and what is queued goes out', async () => {
    const host = await FaultServer.start({ host: '127.0.0.2' })
    await host.stop()
    const gateway = await startDeliveryGateway({ ways: waysTo(host) })
    try {
      await send(gateway, { from: 'a@sender.example', to: ['waits@unix.example'] })
      await untilQueued(gateway, 1)
      await gateway.writeConfig('connectors.ini', connectorsIni(waysTo(host), ['min_free = 900T']))
      await eventually(async () => {
        const client = await SmtpClient.connect(gateway)
        await client.ehlo()
        const { text } = await client.mail('a@sender.example')
        await client.quit()
        return text.startsWith('452 4.3.1 ') ? undefined : text
      }, 30_000)
      await host.start()
      await untilDelivered(host, ['waits@unix.example'], 30_000)
      await gateway.writeConfig('connectors.ini', connectorsIni(waysTo(host), ['min_free = 0']))
      await eventually(async () => {
        const { mail } = await send(gateway, { from: 'a@sender.example', to: ['b@unix.example'] })
        return mail.code === 250 ? undefined : mail.text
      }, 30_000)
    } finally {
      await gateway.stop()
      await host.stop()
    }
  })
})

describe('a process that starts again', function () {
  this.timeout(60_000)

  it('takes nothing away that another one is writing', async () => {
    const host = await FaultServer.start({
      host: '127.0.0.2',
      limits: { slowDot: 6000 },
      script: { rcpt: (to) => (to.startsWith('later') ? '450 4.2.0 not yet' : undefined) },
    })
    const gateway = await startDeliveryGateway({ nodes: 2, ways: waysTo(host) })
    try {
      const to = ['ok@unix.example', 'later@unix.example']
      const answer = send(gateway, { from: 'a@sender.example', to })
      // on disk before the message is sent, under a name that begins with a dot
      const queue = join(gateway.dir, 'queue')
      const hidden = async (): Promise<string[]> =>
        (await readdir(queue)).filter((name) => !/^\d/u.test(name))
      await eventually(async () => ((await hidden()).length > 0 ? undefined : 'nothing is written'))
      const [name = ''] = await hidden()
      const workers = childrenOf(gateway.pid ?? 0)
      const writing = workers.find((pid) => name.includes(`_${pid}_`))
      const other = workers.find((pid) => pid !== writing)
      assert.ok(writing !== undefined && other !== undefined, `${name}; ${workers.join(' ')}`)
      const from = gateway.logLines.length
      process.kill(other, 'SIGKILL')
      await gateway.waitForLog(/worker \d+ listening on /u, 20_000, from)
      await sleep(500)
      const { data } = await answer
      assert.match(data?.text ?? '', /^250 /u)
      host.limits = {}
      host.script = {}
      await untilDelivered(host, to, 30_000)
      for (const address of to) {
        assert.equal(host.memory.arrivals.get(address)?.length, 1, `${address} came twice`)
      }
    } finally {
      await gateway.stop()
      await host.stop()
    }
  })
})
