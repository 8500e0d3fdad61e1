/**
 * Processes that share what they learn of a host: real sessions with a real host that takes so many, the
 * messages between the processes by hand. Together never more than the limit once it is learned, also when
 * a process dies and another one is started.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { Sessions } from '../../plugins/delivery/hosts/sessions.js'
import { openSession } from '../../plugins/delivery/smtp/session.js'
import { directTimeouts } from '../../plugins/delivery/smtp/timeouts.js'
import { HostLimits, joinHostLimits } from '../../plugins/operations/host-limits.js'
import type { Answer } from '../../plugins/operations/processes.js'
import { silentLog } from '../delivery/setup.js'
import { eventually } from '../e2e/delivery/faults.js'
import { FaultServer } from '../harness/fault-server.js'

type Handler = (value: unknown) => unknown

/** The messages between the processes, as operations/processes.ts carries them: as JSON, and late. */
class Bus {
  readonly workers = new Map<number, Map<string, Handler>>()
  private readonly listeners = new Map<string, (pid: number, value: unknown) => void>()

  hear(topic: string, listener: (pid: number, value: unknown) => void): void {
    this.listeners.set(topic, listener)
  }

  async ask<T>(topic: string, value?: unknown): Promise<readonly Answer<T>[]> {
    await sleep(2)
    return [...this.workers].map(([pid, handlers]): Answer<T> => {
      const handler = handlers.get(topic)
      if (!handler) return { pid, ok: false, reason: 'it does not answer yet' }
      return { pid, ok: true, value: copy(handler(copy(value))) as T }
    })
  }

  worker(pid: number): Parameters<typeof joinHostLimits>[0] {
    const handlers = new Map<string, Handler>()
    this.workers.set(pid, handlers)
    return {
      answer: (topic, handler) => void handlers.set(topic, handler),
      tell: (topic, value) => {
        setTimeout(() => this.listeners.get(topic)?.(pid, copy(value)), 2)
      },
    }
  }
}

function copy(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown)
}

const work = 40

describe('a limit that processes share, over their messages', () => {
  let host: FaultServer
  let bus: Bus
  let limits: HostLimits
  let processes: Map<number, Sessions>

  beforeEach(async () => {
    host = await FaultServer.start({ limits: { sessions: 5 } })
    bus = new Bus()
    limits = new HostLimits(bus, silentLog)
    limits.listen()
    processes = new Map()
    for (const pid of [1, 2]) start(pid)
  })

  afterEach(async () => {
    for (const sessions of processes.values()) sessions.close()
    await host.stop()
  })

  function start(pid: number): void {
    const sessions = new Sessions({ log: silentLog, processes: 2 })
    joinHostLimits(
      bus.worker(pid),
      {
        openWith: (key) => sessions.openWith(key),
        useShare: (key, share) => sessions.useShare(key, share),
        joinOthers: (others) => void (sessions.others = others),
      },
      pid,
    )
    processes.set(pid, sessions)
  }

  /** A message that takes its time, from that process; tried again until it is through. */
  async function message(pid: number): Promise<void> {
    for (;;) {
      const until = performance.now() + 20_000
      const lease = await processes
        .get(pid)
        ?.take({
          endpoints: [
            {
              protocol: 'smtp',
              destination: { host: host.host, port: host.port },
              names: [host.host],
            },
          ],
          identity: '',
          login: '',
          place: 'connector:unix',
          maxSessions: 20,
          until,
          patience: until,
          open: (endpoint) =>
            openSession(
              endpoint,
              { gatewayName: 'gateway.example', tls: 'none', timeouts: directTimeouts },
              until,
            ),
        })
        .catch(() => undefined)
      if (!lease) {
        await sleep(10)
        continue
      }
      await sleep(work)
      lease.end()
      return
    }
  }

  const burst = (pid: number, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => message(pid)))

  it('one has learned it: both know, all five are used, and nobody is refused any more', async () => {
    await Promise.all([burst(1, 30), burst(2, 5)])
    assert.ok(host.memory.refused > 0, 'it was never full')
    host.memory.clear()
    await Promise.all([burst(1, 50), burst(2, 50)])
    assert.equal(host.memory.refused, 0)
    assert.equal(host.memory.peak, 5)
  })

  it('who holds all of them gives them back, and nobody is refused meanwhile', async () => {
    await burst(1, 5)
    await eventually(() => (host.memory.open === 5 ? undefined : `${host.memory.open} sessions`))
    host.memory.clear()
    await burst(2, 20)
    const [refusedAt = 0] = host.memory.refusedAt
    // the first one tells that there are two; from then on nobody is
    const late = host.memory.refusedAt.filter((at) => at > refusedAt + 200)
    assert.deepEqual(late, [])
    assert.ok(host.memory.peak <= 5)
    assert.deepEqual(
      [...processes.values()].map((sessions) => sessions.states()[0]?.limit),
      [3, 2],
    )
  })

  it('a process dies, and another one is started: the split is right again', async () => {
    await Promise.all([burst(1, 30), burst(2, 30)])
    processes.get(2)?.close()
    bus.workers.delete(2)
    processes.delete(2)
    limits.processesChanged()
    await eventually(() => {
      const { limit = 0 } = processes.get(1)?.states()[0] ?? {}
      return limit === 5 ? undefined : `${limit} for the one that is left`
    })
    host.memory.clear()
    await burst(1, 30)
    assert.deepEqual([host.memory.peak, host.memory.refused], [5, 0])
    start(3)
    await eventually(() => {
      const { idle = 0, limit = 0 } = processes.get(1)?.states()[0] ?? {}
      return limit === 3 && idle <= 3 ? undefined : `${limit}, ${idle} idle`
    })
    await Promise.all([burst(1, 40), burst(3, 40)])
    assert.deepEqual([host.memory.peak, host.memory.refused], [5, 0])
  })

  it('the host is down: no limit is made of that, and it is used again when it is back', async () => {
    await Promise.all([burst(1, 20), burst(2, 20)])
    await host.stop()
    // who is idle with it has died: it is not full of those
    const waiting = [burst(1, 5), burst(2, 5)]
    await sleep(300)
    const conditions = [...processes.values()].map((one) => one.states()[0]?.condition)
    assert.deepEqual(conditions, ['left-alone', 'left-alone'])
    await host.start()
    await Promise.all(waiting)
    assert.ok(host.memory.peak <= 5)
  })
})
