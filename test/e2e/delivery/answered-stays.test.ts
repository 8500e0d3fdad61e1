/**
 * What a host has answered stays answered, recipient by recipient, also when 421 comes in the middle
 * or the session ends: nobody is asked a second time who was answered for good.
 */
import assert from 'node:assert/strict'

import { FaultServer, type Script } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway } from './faults.js'
import {
  addresses,
  delivered,
  OtherMail,
  reportedTo,
  untilDelivered,
  untilQueueIsEmpty,
} from './other-mail.js'

const domain = 'unix.example'

describe('what a host has answered', function () {
  this.timeout(60_000)

  let unix: FaultServer
  let sender: FaultServer
  let well: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    unix = await FaultServer.start({ host: '127.0.0.2' })
    well = await FaultServer.start({ host: '127.0.0.2' })
    sender = await FaultServer.start({ host: '127.0.0.3' })
    const settings = ['tls = none', 'retry = 2s']
    gateway = await startDeliveryGateway({
      ways: {
        unix: { domains: [domain], smartHosts: unix.smartHost, settings },
        well: { domains: ['well.example'], smartHosts: well.smartHost, settings },
        reports: { domains: ['sender.example'], smartHosts: sender.smartHost, settings },
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([unix, well, sender].map((server) => server?.stop()))
  })

  const asked = (to: string): number => unix.memory.asked.get(to)?.length ?? 0

  async function withScript(script: Script, to: readonly string[]): Promise<string> {
    unix.change(script)
    for (const host of [unix, well, sender]) host.memory.clear()
    const others = new OtherMail(gateway, well, 'well.example')
    const { data } = await send(gateway, { from: 'a@sender.example', to })
    await untilQueueIsEmpty(gateway)
    await others.finish()
    return data?.text ?? ''
  }

  it('421 to one, and the session stays open: who was accepted has it, the other alone is asked again', async () => {
    let said = false
    const to = [`good@${domain}`, `typo@${domain}`]
    const hears = await withScript(
      {
        rcpt: (address) => {
          if (!address.startsWith('typo')) return undefined
          if (said) return '550 5.1.1 unknown here'
          said = true
          return '421 4.3.2 too much'
        },
      },
      to,
    )
    assert.match(hears, /^250 /u)
    await untilDelivered(unix, [`good@${domain}`])
    await eventually(() => {
      return String(reportedTo(sender)) === `typo@${domain}` ? undefined : 'not reported'
    })
    assert.deepEqual(delivered(unix), [`good@${domain}`])
    assert.deepEqual([asked(`good@${domain}`), asked(`typo@${domain}`)], [1, 2])
  })

  it('421 and a close after 20 refusals: those are reported at once, the other five are asked again', async () => {
    let refused = 0
    const wrong = addresses('no', 20, domain)
    const right = addresses('yes', 5, domain)
    const hears = await withScript(
      {
        rcpt: (address) => {
          if (!address.startsWith('no')) return undefined
          const reply = '550 5.1.1 unknown here'
          return ++refused === 20
            ? { reply: `${reply}\r\n421 4.7.0 too many errors`, next: 'close' }
            : reply
        },
      },
      [...wrong, ...right],
    )
    assert.match(hears, /^250 2\.0\.0 queued/u)
    await untilDelivered(unix, right)
    await eventually(() => {
      const got = reportedTo(sender).sort()
      return String(got) === String(wrong.sort()) ? undefined : `reported: ${got.join(', ')}`
    })
    for (const address of wrong) assert.equal(asked(address), 1, `${address} is asked again`)
    assert.deepEqual(delivered(unix), right.sort())
  })

  it('a close in the middle, without 421', async () => {
    let said = false
    const to = [`no@${domain}`, `good@${domain}`, `last@${domain}`]
    await withScript(
      {
        rcpt: (address) => {
          if (address.startsWith('no')) return '550 5.1.1 unknown here'
          if (!address.startsWith('last') || said) return undefined
          said = true
          return 'close'
        },
      },
      to,
    )
    await untilDelivered(unix, to.slice(1))
    assert.deepEqual(delivered(unix), to.slice(1).sort())
    assert.equal(asked(`no@${domain}`), 1)
    await eventually(() => {
      return String(reportedTo(sender)) === `no@${domain}` ? undefined : 'not reported'
    })
  })

  it('a session that was used before and is gone: once more at once, the client hears 250 of the host', async () => {
    unix.change({})
    await send(gateway, { from: 'a@sender.example', to: [`first@${domain}`] })
    unix.drop()
    const { data } = await send(gateway, { from: 'a@sender.example', to: [`second@${domain}`] })
    assert.match(data?.text ?? '', /^250 2\.0\.0 taken/u)
    // and a host that ends it when it is used again
    unix.limits = { messages: 1 }
    for (const name of ['third', 'fourth']) {
      const outcome = await send(gateway, { from: 'a@sender.example', to: [`${name}@${domain}`] })
      assert.match(outcome.data?.text ?? '', /^250 2\.0\.0 taken/u)
    }
    unix.limits = {}
  })

  it('a session that has had many refusals is not used again', async () => {
    unix.change({ rcpt: (to) => (to.startsWith('no') ? '550 5.1.1 unknown here' : undefined) })
    unix.memory.clear()
    for (let message = 0; message < 4; message++) {
      const to = [...addresses(`no${message}-`, 12, domain), `yes${message}@${domain}`]
      await send(gateway, { from: 'a@sender.example', to })
    }
    await untilDelivered(unix, addresses('yes', 4, domain))
    const sessions = new Set(unix.messages.map(({ session }) => session))
    assert.equal(sessions.size, 4)
  })
})
