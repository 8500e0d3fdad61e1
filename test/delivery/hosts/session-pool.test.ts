import assert from 'node:assert/strict'

import { openSession, type Session } from '../../../plugins/delivery/smtp/session.js'
import {
  BusyError,
  SessionPool,
  type Patience,
} from '../../../plugins/delivery/hosts/session-pool.js'
import { directTimeouts } from '../../../plugins/delivery/smtp/timeouts.js'
import { FaultServer } from '../../harness/fault-server.js'

describe('sessions that are used again', () => {
  let host: FaultServer
  let pool: SessionPool

  beforeEach(async () => {
    host = await FaultServer.start()
    pool = new SessionPool({ sessions: 2, idle: 200, messages: 3 })
  })

  afterEach(async () => {
    pool.close()
    await host.stop()
  })

  const open = (): Promise<Session> =>
    openSession(
      {
        protocol: 'smtp',
        destination: { host: host.host, port: host.port },
        names: [host.host],
      },
      { gatewayName: 'gateway.example', tls: 'none', timeouts: directTimeouts },
      Date.now() + 5000,
    )
  const soon = (ms = 5000, urgent = true): Patience => ({ until: Date.now() + ms, urgent })
  const use = (work: () => Promise<void> = async () => undefined, patience = soon()) =>
    pool.use('host', open, patience, work)
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
    assert.deepEqual(pool.stats()['host']?.waiting ?? 0, 0)
  })

  it('a client that waits goes before the queue', async () => {
    const order: string[] = []
    const busy = [use(() => pause(30)), use(() => pause(30))]
    const say = (word: string) => async () => void order.push(word)
    const queued = [1, 2, 3].map((at) => use(say(`queue ${at}`), soon(5000, false)))
    await Promise.all([...busy, ...queued, use(say('client'))])
    assert.equal(order[0], 'client')
  })

  it('patience ends; the place is not lost', async () => {
    const busy = [use(() => pause(100)), use(() => pause(100))]
    await assert.rejects(use(undefined, soon(20)), BusyError)
    await Promise.all(busy)
    await use()
  })

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
    assert.deepEqual(pool.stats(), {})
  })

  it('a session that the host has closed is not used again', async () => {
    await use()
    host.change({})
    await pause(50)
    await use()
    assert.equal(host.connections, 2)
  })
})
