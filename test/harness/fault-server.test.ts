/** The fault server itself: a host that forgets its limits would let every test of them pass. */
import assert from 'node:assert/strict'

import { FaultServer, type FaultServerOptions } from './fault-server.js'
import { SmtpClient } from './smtp-client.js'

describe('the fault server', () => {
  const clients: SmtpClient[] = []
  let server: FaultServer

  const start = async (options: FaultServerOptions): Promise<void> => {
    server = await FaultServer.start(options)
  }
  const connect = async (localAddress?: string): Promise<SmtpClient> => {
    const client = await SmtpClient.connect(server, localAddress ? { localAddress } : {})
    clients.push(client)
    return client
  }
  const rcpts = (count: number, name = 'no'): string[] =>
    Array.from({ length: count }, (_, at) => `RCPT TO:<${name}${at}@x.example>`)
  const unknown = (address: string): string | undefined =>
    address.startsWith('no') ? '550 5.1.1 unknown' : undefined

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await server.stop()
  })

  it('ends a session after so many errors, whatever was sent ahead', async () => {
    await start({ limits: { errors: 20 }, script: { rcpt: unknown } })
    const client = await connect()
    await client.mail('a@b.example')
    client.write(rcpts(25).join('\r\n') + '\r\n')
    const codes: number[] = []
    for (let at = 0; at < 21; at++) codes.push((await client.reply()).code)
    assert.deepEqual(codes, [...Array.from({ length: 20 }, () => 550), 421])
    await assert.rejects(client.reply(), /closed the connection/u)
    assert.equal(server.memory.tooManyErrors, 1)
    assert.equal(server.memory.asked.size, 20)
  })

  it('a message that is taken sets the errors back', async () => {
    await start({ limits: { errors: 3 }, script: { rcpt: unknown } })
    const client = await connect()
    for (let message = 0; message < 3; message++) {
      await client.mail('a@b.example')
      await client.pipeline(rcpts(2))
      await client.rcpt('yes@x.example')
      assert.equal((await client.data('x\r\n')).code, 250)
    }
    assert.equal(server.memory.arrivals.get('yes@x.example')?.length, 3)
  })

  it('takes so many sessions from an address, and the limit may change', async () => {
    await start({ limits: { sessions: 2 } })
    const [first] = [await connect(), await connect()]
    assert.equal((await connect()).greeting.code, 421)
    assert.equal((await connect('127.0.0.9')).greeting.code, 220)
    server.limits = { sessions: 3 }
    assert.equal((await connect()).greeting.code, 220)
    assert.deepEqual([server.memory.peak, server.memory.refused], [4, 1])
    await first.quit()
    while (server.memory.open > 3) await new Promise((later) => setTimeout(later, 5))
    assert.equal((await connect()).greeting.code, 220)
    server.limits = { sessions: 1, whenFull: 'close' }
    await assert.rejects(connect(), /closed the connection/u)
  })

  it('holds up a refusal, an answer to the dot, a line', async () => {
    await start({ limits: { tarpit: 60, slowDot: 60, latency: 15 }, script: { rcpt: unknown } })
    const client = await connect()
    await client.mail('a@b.example')
    const times: number[] = [performance.now()]
    for (const address of ['no@x.example', 'yes@x.example']) {
      await client.rcpt(address)
      times.push(performance.now())
    }
    assert.equal((await client.data('x\r\n')).code, 250)
    times.push(performance.now())
    const [tarpit = 0, line = 0, dot = 0] = times.slice(1).map((at, n) => at - (times[n] ?? 0))
    assert.ok(tarpit >= 85 && line >= 28 && dot >= 85 + 28, times.join(' '))
  })

  it('greylists what comes the first time', async () => {
    await start({ limits: { greylist: 50 } })
    const client = await connect()
    await client.mail('a@b.example')
    assert.equal((await client.rcpt('a@x.example')).code, 450)
    await new Promise((later) => setTimeout(later, 60))
    assert.equal((await client.rcpt('a@x.example')).code, 250)
    assert.equal((await client.rcpt('b@x.example')).code, 450)
    assert.equal(server.memory.asked.get('a@x.example')?.length, 2)
  })

  it('421 in the middle of RCPTs, with the session left open or closed', async () => {
    const busy = '421 4.3.2 busy'
    await start({
      script: {
        rcpt: (address) => {
          if (address.startsWith('open')) return busy
          return address.startsWith('end') ? { reply: busy, next: 'close' } : undefined
        },
      },
    })
    const client = await connect()
    await client.mail('a@b.example')
    assert.equal((await client.rcpt('open@x.example')).code, 421)
    assert.equal((await client.rcpt('ok@x.example')).code, 250)
    assert.equal((await client.rcpt('end@x.example')).code, 421)
    await assert.rejects(client.rcpt('ok@x.example'), /closed the connection/u)
  })

  it('goes down and comes back on its port; what is connected may go on', async () => {
    await start({})
    const client = await connect()
    await server.closePort()
    await assert.rejects(SmtpClient.connect(server), /ECONNREFUSED/u)
    assert.equal((await client.mail('a@b.example')).code, 250)
    await server.start()
    assert.equal((await connect()).greeting.code, 220)
  })
})
