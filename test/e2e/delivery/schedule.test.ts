/**
 * When what waits is tried again: by the place's own schedule, by time and not by count, at once when
 * the host is well again; and nobody's backlog is in another's way.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { findHaraka } from '../../../plugins/stage/staged-install.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { connectorsIni, eventually, startDeliveryGateway, type Way } from './faults.js'
import {
  addresses,
  delivered,
  OtherMail,
  reportedTo,
  untilDelivered,
  untilQueued,
  untilQueueIsEmpty,
} from './other-mail.js'

const names = [
  'away',
  'grey',
  'slow',
  'well',
  'gone',
  'delayed',
  'primary',
  'backup',
  'sender',
] as const
type Name = (typeof names)[number]

const settings: Partial<Record<Name, readonly string[]>> = {
  grey: ['retry = 3s'],
  slow: ['delivery = queue', 'max_sessions = 3'],
  well: ['delivery = queue'],
  gone: ['retry = 1s', 'warn_after = 0', 'expire = 12s'],
  delayed: ['retry = 1s', 'warn_after = 1s', 'expire = 1d'],
}

describe('the schedule of what waits', function () {
  this.timeout(90_000)

  const from = 'a@sender.example'
  const hosts = new Map<Name, FaultServer>()
  let ways: Record<string, Way>
  let gateway: GatewayProcess

  const hostOf = (name: Name): FaultServer => {
    const host = hosts.get(name)
    assert.ok(host)
    return host
  }
  const submit = async (to: string, parameters = ''): Promise<string> => {
    const client = await SmtpClient.connect(gateway)
    try {
      await client.ehlo()
      await client.mail(from)
      await client.rcpt(to, parameters)
      return (await client.data('Subject: x\r\n\r\nx\r\n')).text
    } finally {
      await client.quit()
    }
  }

  before(async () => {
    for (const name of names) hosts.set(name, await FaultServer.start({ host: '127.0.0.2' }))
    const others = names.filter((name) => name !== 'backup')
    ways = Object.fromEntries(
      others.map((name) => [
        name,
        {
          domains: [`${name}.example`],
          smartHosts: hostOf(name).smartHost,
          settings: [
            'tls = none',
            ...(settings[name] ?? []),
            ...(name === 'primary' ? [`backup_hosts = ${hostOf('backup').smartHost}`] : []),
          ],
        },
      ]),
    )
    gateway = await startDeliveryGateway({ ways })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([...hosts.values()].map((server) => server.stop()))
  })

  it('the host is back: what waits for it goes out, over no more sessions than it may have', async () => {
    const away = hostOf('away')
    await away.stop()
    const others = new OtherMail(gateway, hostOf('well'), 'well.example')
    const users = addresses('waits', 60, 'away.example')
    for (const to of users) assert.match(await submit(to), /^250 2\.0\.0 queued/u)
    await untilQueued(gateway, users.length)
    await away.start()
    await untilDelivered(away, users, 20_000)
    assert.deepEqual(delivered(away), users.sort())
    assert.ok(away.memory.peak <= 20, `${away.memory.peak} sessions`)
    await others.finish()
  })

  it('what the host itself deferred keeps its own time, others go by', async () => {
    const grey = hostOf('grey')
    grey.limits = { greylist: 2000 }
    assert.match(await submit('late@grey.example'), /^450 4\.2\.0 greylisted/u)
    // with somebody else, so that it is taken over
    grey.memory.clear()
    grey.limits = {}
    grey.script = { rcpt: (to) => (to.startsWith('later') ? '450 4.2.0 not yet' : undefined) }
    const others = new OtherMail(gateway, grey, 'grey.example')
    const began = performance.now()
    const { data } = await send(gateway, { from, to: ['now@grey.example', 'later@grey.example'] })
    assert.equal(data?.code, 250)
    await sleep(1000)
    grey.script = {}
    await untilDelivered(grey, ['now@grey.example', 'later@grey.example'])
    const asked = grey.memory.asked.get('later@grey.example') ?? []
    assert.equal(asked.length, 2)
    assert.ok((asked[1] ?? 0) - began >= 2400, 'asked again before its time')
    await others.finish()
  })

  it("a slow host's backlog is not in the way of another's mail by the queue", async () => {
    const slow = hostOf('slow')
    slow.limits = { slowDot: 30_000 }
    await Promise.all(addresses('slow', 60, 'slow.example').map((to) => submit(to)))
    const others = new OtherMail(gateway, hostOf('well'), 'well.example')
    await sleep(1500)
    await others.finish(2000)
    assert.ok(slow.memory.peak <= 3)
    slow.limits = {}
    slow.change({})
    // three may have arrived and are tried again much later; the rest goes out now
    await untilQueued(gateway, 3)
  })

  it('the sender is told of a delay, once, if he wants to hear of it; in the end it is delivered', async () => {
    const delayed = hostOf('delayed')
    const sender = hostOf('sender')
    sender.memory.clear()
    await delayed.stop()
    await submit('told@delayed.example')
    await submit('too@delayed.example', 'NOTIFY=DELAY')
    await submit('never@delayed.example', 'NOTIFY=NEVER')
    await submit('failure@delayed.example', 'NOTIFY=FAILURE')
    const told = ['told@delayed.example', 'too@delayed.example']
    const reported = (): string[] => reportedTo(sender, 'delayed').sort()
    await eventually(() => {
      return String(reported()) === String(told) ? undefined : `told: ${reported().join(', ')}`
    })
    // nor again after a restart
    await gateway.restart()
    await sleep(3000)
    assert.deepEqual(reported(), told)
    await delayed.start()
    const all = [...told, 'never@delayed.example', 'failure@delayed.example']
    await untilDelivered(delayed, all)
    assert.deepEqual(delivered(delayed), all.sort())
    assert.deepEqual(reportedTo(sender), [])
  })

  it('a connector that is gone at the end of the schedule: it waits until it is there again', async () => {
    const gone = hostOf('gone')
    const sender = hostOf('sender')
    sender.memory.clear()
    await gone.stop()
    const began = performance.now()
    await submit('stays@gone.example')
    const { gone: own, ...others } = ways
    assert.ok(own)
    await gateway.writeConfig('connectors.ini', connectorsIni({ ...others, renamed: own }))
    await gateway.waitForLog(/connector gone is not in the configuration now/u, 30_000)
    // beyond its `expire`
    await sleep(began + 14_000 - performance.now())
    assert.deepEqual(reportedTo(sender), [])
    const longer = { ...own, settings: ['tls = none', 'retry = 1s', 'expire = 1d'] }
    await gone.start()
    await gateway.writeConfig('connectors.ini', connectorsIni({ ...others, gone: longer }))
    await untilDelivered(gone, ['stays@gone.example'], 30_000)
    assert.deepEqual(reportedTo(sender), [])
  })

  it('backup hosts: while every smart host is left alone, and only then', async () => {
    const [primary, backup] = [hostOf('primary'), hostOf('backup')]
    // it says no to a message, and takes its time: no reason to go elsewhere
    primary.script = { rcpt: (to) => (to.startsWith('no') ? '450 4.2.0 not yet' : undefined) }
    assert.match(await submit('no@primary.example'), /^450 /u)
    primary.limits = { slowDot: 1000 }
    await Promise.all(addresses('busy', 25, 'primary.example').map((to) => submit(to)))
    assert.equal(backup.memory.connections, 0)
    primary.limits = {}
    await primary.stop()
    await eventually(async () => {
      await submit(`any${Date.now()}@primary.example`)
      return backup.messages.length > 0 ? undefined : 'nothing at the backup host'
    })
    const reply = await submit('away@primary.example')
    assert.match(reply, /^250 2\.0\.0 taken/u)
    assert.ok(backup.memory.arrivals.has('away@primary.example'))
    await primary.start()
    await eventually(async () => {
      await submit(`back${Date.now()}@primary.example`)
      return [...primary.memory.arrivals.keys()].some((to) => to.startsWith('back'))
        ? undefined
        : 'nothing at the smart host'
    })
    backup.memory.clear()
    await submit('home@primary.example')
    await untilDelivered(primary, ['home@primary.example'])
    assert.equal(backup.messages.length, 0)
  })

  it("Haraka's commands see what waits for a host", async () => {
    const away = hostOf('away')
    await away.stop()
    await submit('listed@away.example')
    const bin = join(findHaraka([__dirname]), 'bin', 'haraka')
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [bin, '-c', gateway.dir, '--qlist'])
    assert.match(stdout, /away\.example/u)
    await away.start()
    await untilDelivered(away, ['listed@away.example'])
  })
})

describe('the schedule over a restart', function () {
  this.timeout(60_000)

  it('what was deferred keeps its time, what waits for a host goes when it is back', async () => {
    const [grey, away] = [
      await FaultServer.start({
        host: '127.0.0.2',
        script: { rcpt: (to) => (to.startsWith('later') ? '450 4.2.0 not yet' : undefined) },
      }),
      await FaultServer.start({ host: '127.0.0.2' }),
    ]
    const way = (name: string, { smartHost }: FaultServer): Way => ({
      domains: [`${name}.example`],
      smartHosts: smartHost,
      settings: ['tls = none', 'retry = 8s'],
    })
    const gateway = await startDeliveryGateway({
      ways: { grey: way('grey', grey), away: way('away', away) },
    })
    try {
      await away.stop()
      const began = performance.now()
      const from = 'a@sender.example'
      await send(gateway, { from, to: ['now@grey.example', 'later@grey.example'] })
      await send(gateway, { from, to: ['waits@away.example'] })
      await untilQueued(gateway, 2)
      await gateway.kill()
      await gateway.start()
      await away.start()
      await untilDelivered(away, ['waits@away.example'])
      grey.script = {}
      await untilDelivered(grey, ['later@grey.example'], 30_000)
      const [, second = 0] = grey.memory.asked.get('later@grey.example') ?? []
      assert.ok(second - began >= 6400, `asked again after ${Math.round(second - began)} ms`)
      await untilQueueIsEmpty(gateway)
      assert.deepEqual(delivered(grey), ['later@grey.example', 'now@grey.example'])
    } finally {
      await gateway.stop()
      await Promise.all([grey, away].map((server) => server.stop()))
    }
  })
})
