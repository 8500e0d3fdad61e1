/**
 * One host: a table of what it gives and when, and a simulation of thousands of steps against a host
 * whose limit changes, that is down for a while, and closes sessions as it likes.
 */
import assert from 'node:assert/strict'

import { HostHealth, type Attempt } from '../../../plugins/delivery/hosts/health.js'
import { Host } from '../../../plugins/delivery/hosts/host.js'
import { seeded } from '../../../scripts/seeded.js'

const usable = (): boolean => true
const no = { kind: 'no', reason: '421 too many', answers: true } as const
const down = { kind: 'no', reason: 'refused', answers: false } as const
const ready = { kind: 'ready' } as const

function hostOf(most: number): Host<string> {
  const host = new Host<string>('h', new HostHealth(() => 0.5))
  host.allow('place', most)
  return host
}

function open(host: Host<string>, now = 0): Attempt {
  const claim = host.claim('a', now, usable)
  assert.equal(claim.kind, 'open')
  return claim.kind === 'open' ? claim.attempt : assert.fail()
}

describe('a host', () => {
  it('opens as many as the place allows; the least of all places counts', () => {
    const host = hostOf(3)
    for (let at = 0; at < 3; at++) host.settled(open(host), ready, 0)
    assert.equal(host.claim('a', 0, usable).kind, 'full')
    host.allow('other', 2)
    host.drop()
    assert.equal(host.claim('a', 0, usable).kind, 'full')
    assert.equal(host.room(0), 0)
    host.drop()
    assert.equal(host.room(0), 1)
  })

  it('an idle session is for its identity; another one ends it to make room', () => {
    const host = hostOf(1)
    host.settled(open(host), ready, 0)
    host.keep('a', 'session of a')
    assert.equal(host.room(0), 1)
    const other = host.claim('b', 0, usable)
    assert.equal(other.kind === 'open' && other.instead, 'session of a')
    assert.equal(host.total, 1)
  })

  it('an idle session that is not usable any more is not given', () => {
    const host = hostOf(1)
    host.settled(open(host), ready, 0)
    host.keep('a', 'dead')
    assert.equal(host.claim('a', 0, () => false).kind, 'open')
  })

  it('a refusal beside sessions that stand: full, and they are the limit', () => {
    const host = hostOf(20)
    for (let at = 0; at < 5; at++) host.settled(open(host), ready, 0)
    const news = host.settled(open(host), no, 0)
    assert.deepEqual(news, { kind: 'full', limit: 5, reason: '421 too many' })
    assert.equal(host.claim('a', 0, usable).kind, 'full')
    assert.equal(host.health.isWell, true)
    assert.equal(host.claim('a', 60_000, usable).kind, 'open')
  })

  it('a burst is judged by all of it, in whatever order the answers come', () => {
    const host = hostOf(20)
    const burst = Array.from({ length: 8 }, () => open(host))
    const answers = [no, no, ready, no, ready, ready, no, ready]
    const news = burst.map((attempt, at) => host.settled(attempt, answers[at] ?? no, 0))
    assert.deepEqual(news.filter(Boolean), [{ kind: 'full', limit: 4, reason: '421 too many' }])
    assert.equal(host.health.isWell, true)
  })

  it('a connection refused beside a session that stands is the same; without one it is failing', () => {
    const host = hostOf(20)
    host.settled(open(host), ready, 0)
    assert.equal(host.settled(open(host), down, 0)?.kind, 'full')
    host.drop()
    const news = host.settled(open(host, 1), down, 1)
    assert.deepEqual(news, { kind: 'left-alone', reason: 'refused', until: 1001 })
    assert.equal(host.claim('a', 500, usable).kind, 'left-alone')
    const probe = open(host, 1001)
    assert.equal(host.claim('a', 1001, usable).kind, 'left-alone')
    assert.equal(host.settled(probe, ready, 1100)?.kind, 'answers-again')
    assert.equal(host.claim('a', 1100, usable).kind, 'open')
  })

  it('one line when it is left alone, none for each failure after', () => {
    const host = hostOf(20)
    const told = [0, 1000, 3000, 7000].map((now) => host.settled(open(host, now), down, now)?.kind)
    assert.deepEqual(told, ['left-alone', undefined, undefined, undefined])
  })

  it('what was given up by us says nothing', () => {
    const host = hostOf(20)
    assert.equal(host.settled(open(host), { kind: 'abandoned' }, 0), undefined)
    assert.equal(host.health.isWell, true)
  })
})

describe('a host over thousands of steps', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it(`never more than it may, never deaf for ever (seed ${seed})`, () => simulate(seed, 20_000))
  }
})

/** The other side: how many it takes, whether it answers at all. */
function simulate(seed: number, steps: number): void {
  const chance = seeded(seed)
  const most = 1 + Math.floor(chance() * 20)
  const host = new Host<number>('h', new HostHealth(chance))
  host.allow('place', most)
  const opening: Attempt[] = []
  const busy: number[] = []
  const alive = new Set<number>()
  let now = 0
  let takes = 5
  let isDown = false
  let next = 0
  let lastSuccess = 0

  for (let step = 0; step < steps; step++) {
    now += Math.floor(chance() * 400)
    const dice = chance()
    if (dice < 0.002) takes = 1 + Math.floor(chance() * 25)
    else if (dice < 0.003) isDown = !isDown
    else if (dice < 0.5) {
      const before = host.health.until
      const claim = host.claim('a', now, (session) => alive.has(session))
      if (claim.kind === 'idle') busy.push(claim.session)
      if (claim.kind === 'open') {
        assert.ok(before === undefined || now >= before, 'left alone means left alone')
        assert.ok(before === undefined || opening.every((one) => !one.probe), 'one probe')
        opening.push(claim.attempt)
      }
    } else if (dice < 0.75 && opening.length > 0) {
      const [attempt] = opening.splice(Math.floor(chance() * opening.length), 1)
      assert.ok(attempt)
      if (isDown) host.settled(attempt, down, now)
      else if (alive.size >= takes) host.settled(attempt, no, now)
      else {
        host.settled(attempt, ready, now)
        lastSuccess = now
        alive.add(next)
        busy.push(next++)
      }
    } else if (busy.length > 0) {
      const [session] = busy.splice(Math.floor(chance() * busy.length), 1)
      assert.ok(session !== undefined)
      if (isDown || chance() < 0.1) {
        alive.delete(session)
        host.drop()
      } else host.keep('a', session)
    }
    assert.ok(host.total <= most, `step ${step}: ${host.total} of ${most}`)
    assert.equal(host.busy, busy.length)
    assert.equal(host.opening, opening.length)
    assert.ok(host.room(now) >= 0)
    const { until } = host.health
    if (until !== undefined) assert.ok(until - now <= 360_000, 'no pause beyond 5 min and a fifth')
  }
  assert.ok(next > 100, `${next} sessions were opened, the last at ${lastSuccess} of ${now} ms`)
}
