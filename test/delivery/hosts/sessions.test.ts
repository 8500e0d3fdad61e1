/** Sessions with real sockets: reuse and its end, turns, patience, the host's bound for all identities. */
import assert from 'node:assert/strict'

import { NoSessionError, OpeningError } from '../../../plugins/delivery/hosts/lease.js'
import { Sessions } from '../../../plugins/delivery/hosts/sessions.js'
import { openSession, type Endpoint, type Session } from '../../../plugins/delivery/smtp/session.js'
import { directTimeouts } from '../../../plugins/delivery/smtp/timeouts.js'
import { FaultServer } from '../../harness/fault-server.js'
import { silentLog } from '../setup.js'

describe('sessions that are used again', () => {
  let host: FaultServer
  let sessions: Sessions
  let log: string[]

  beforeEach(async () => {
    host = await FaultServer.start()
    log = []
    const tell = (line: string): void => void log.push(line)
    sessions = new Sessions({
      log: { ...silentLog, warn: tell, notice: tell },
      rules: { idle: 200, messages: 3, refusals: 10, hosts: 100 },
    })
  })

  afterEach(async () => {
    sessions.close()
    await host.stop()
  })

  const endpoint = (): Endpoint => ({
    protocol: 'smtp',
    destination: { host: host.host, port: host.port },
    names: [host.host],
  })
  interface Options {
    readonly identity?: string
    readonly login?: string
    readonly patience?: number
    readonly waits?: boolean
  }
  async function use(
    work: (session: Session) => Promise<void> = async () => undefined,
    { identity = '', login = '', patience = 5000, waits = true }: Options = {},
  ): Promise<void> {
    const until = performance.now() + patience
    const lease = await sessions.take({
      endpoints: [endpoint()],
      identity,
      login,
      place: 'connector:unix',
      maxSessions: 2,
      until,
      ...(waits && { patience: until }),
      open: (to) =>
        openSession(
          to,
          { gatewayName: 'gateway.example', tls: 'none', timeouts: directTimeouts },
          until,
        ),
    })
    try {
      await work(lease.session)
    } catch (error) {
      lease.session.wire.destroy()
      throw error
    } finally {
      lease.end()
    }
  }
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

  it('one session for one message after the other, up to its number', async () => {
    for (let message = 0; message < 7; message++) await use()
    assert.equal(host.connections, 3)
  })

  it('no more at a time than allowed; the others wait their turn', async () => {
    let busy = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++busy)
      await pause(5)
      busy--
    }
    await Promise.all(Array.from({ length: 20 }, () => use(work)))
    assert.equal(most, 2)
    assert.ok(host.connections >= 2)
  })

  it('the bound is the host’s, whoever the sessions are for', async () => {
    let busy = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++busy)
      await pause(5)
      busy--
    }
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => use(work, { identity: `client ${at}` })),
    )
    assert.equal(most, 2)
  })

  it('a queue entry does not wait, nor does it go before a client that waits', async () => {
    const busy = [use(() => pause(50)), use(() => pause(50))]
    await assert.rejects(use(undefined, { waits: false }), NoSessionError)
    const client = use(() => pause(20))
    await Promise.all(busy)
    await client
    await use(undefined, { waits: false })
  })

  it('tells when there is room again', async () => {
    const rooms: number[] = []
    sessions.changed = (key) => void rooms.push(sessions.room(key))
    await Promise.all([use(() => pause(20)), use(() => pause(20))])
    assert.equal(rooms.at(-1), 2)
  })

  it('10 refusals of any kind, or a 421, are the end of a session', async () => {
    host.change({ rcpt: () => '550 5.1.1 unknown' })
    const ask = async ({ wire }: Session): Promise<void> => {
      wire.send('MAIL FROM:<>')
      await wire.read('MAIL', 1000)
      for (let at = 0; at < 5; at++) {
        wire.send(`RCPT TO:<a${at}@unix.example>`)
        await wire.read('RCPT', 1000)
      }
      wire.send('RSET')
      await wire.read('RSET', 1000)
    }
    await use(ask)
    await use(ask)
    assert.equal(host.connections, 1)
    await use()
    assert.equal(host.connections, 2)
  })

  it('a host that is down is left alone: one line, and no connection meanwhile', async () => {
    host.change({ banner: '421 4.3.2 down' })
    await assert.rejects(use(), OpeningError)
    await assert.rejects(use(), NoSessionError)
    assert.equal(host.connections, 1)
    assert.equal(log.length, 1)
    assert.match(log[0] ?? '', /is left alone for a while: greeting: refused: 421 4\.3\.2 down/u)
    host.change({})
    await pause(1300)
    await use()
    assert.match(log[1] ?? '', /answers again/u)
    assert.equal(sessions.states()[0]?.condition, 'well')
  })

  it('patience ends; the place is not lost', async () => {
    const busy = [use(() => pause(100)), use(() => pause(100))]
    await assert.rejects(use(undefined, { patience: 20 }), NoSessionError)
    await Promise.all(busy)
    await use()
  })

  for (const jump of [3_600_000, -3_600_000]) {
    it(`a time of day that jumps by ${jump} ms changes no wait`, async () => {
      const timeOfDay = Date.now.bind(Date)
      const busy = [use(() => pause(100)), use(() => pause(100))]
      const waiting = use()
      const started = performance.now()
      const short = assert.rejects(use(undefined, { patience: 30 }), NoSessionError)
      Date.now = () => timeOfDay() + jump
      try {
        await short
        assert.ok(performance.now() - started < 90)
        await Promise.all([...busy, waiting])
        host.change({ banner: '421 4.3.2 down' })
        await pause(20)
        await assert.rejects(use(), OpeningError)
        Date.now = timeOfDay
        // left alone for a second and a fifth at most, whatever the clock on the wall says
        await assert.rejects(use(), NoSessionError)
        host.change({})
        await pause(1300)
        await use()
      } finally {
        Date.now = timeOfDay
      }
    })
  }

  it('a failure takes the session and its place with it', async () => {
    const failing = async (): Promise<void> => Promise.reject(new Error('no'))
    for (let message = 0; message < 5; message++) await assert.rejects(use(failing), /no/u)
    assert.equal(host.connections, 5)
    await use()
  })

  it('idle sessions say QUIT after a while', async () => {
    await use()
    await pause(500)
    assert.equal(host.commands.at(-1), 'QUIT')
    assert.deepEqual(sessions.states(), [])
  })

  it('a session that the host has closed is not used again', async () => {
    await use()
    host.change({})
    await pause(50)
    await use()
    assert.equal(host.connections, 2)
  })
})
