/** Who logs in at a host is judged apart from the host, and from those who log in otherwise. */
import assert from 'node:assert/strict'

import type { Attempt } from '../../../plugins/delivery/hosts/health.js'
import { Host, type Claimant, type Opening } from '../../../plugins/delivery/hosts/host.js'

const usable = (): boolean => true
const ready: Opening = { kind: 'ready' }
const wrong: Opening = { kind: 'failed', reason: 'AUTH: refused: 535 5.7.8 wrong' }
const down: Opening = { kind: 'no', reason: 'connect: refused', answers: false }
const a: Claimant = { place: 'connector:a', login: 'a' }
const b: Claimant = { place: 'connector:b', login: 'b' }

function hostOf(): Host<string> {
  const host = new Host<string>('h')
  host.allow('place', 5)
  return host
}

function open(host: Host<string>, who: Claimant, now = 0): Attempt {
  const claim = host.claim(who.login, now, usable, who)
  return claim.kind === 'open' ? claim.attempt : assert.fail(claim.kind)
}

const kind = (host: Host<string>, who: Claimant, now: number): string =>
  host.claim(who.login, now, usable, who).kind

describe('a login at a host', () => {
  it('a wrong password keeps those out who have it, and nobody else', () => {
    const host = hostOf()
    const news = host.settled(open(host, a), wrong, 0, a.place)
    assert.equal(news?.kind === 'login-left-alone' && news.place, 'connector:a')
    assert.equal(kind(host, a, 1), 'left-alone')
    assert.equal(host.health.isWell, true)
    host.settled(open(host, b, 1), ready, 1, b.place)
    assert.equal(host.room(1), 4)
    // its time is over: one tries
    const probe = open(host, a, 1300)
    assert.equal(kind(host, a, 1300), 'left-alone')
    assert.equal(host.settled(probe, wrong, 1300, a.place), undefined)
    assert.equal(kind(host, a, 2400), 'left-alone')
    assert.equal(host.settled(open(host, a, 4000), ready, 4000, a.place)?.kind, 'login-works')
    assert.equal(kind(host, a, 4001), 'open')
  })

  it('failures of one burst are one', () => {
    const host = hostOf()
    const attempts = [open(host, a), open(host, a), open(host, a)]
    const told = attempts.map((attempt) => host.settled(attempt, wrong, 5, a.place)?.kind)
    assert.deepEqual(told, ['login-left-alone', undefined, undefined])
    assert.equal(kind(host, a, 1300), 'open')
  })

  it('a host that is down says nothing of a login, nor a login that fails of the host', () => {
    const host = hostOf()
    host.settled(open(host, a), down, 0, a.place)
    assert.deepEqual([kind(host, a, 1), kind(host, b, 1)], ['left-alone', 'left-alone'])
    assert.equal(host.logins.leftAlone('a'), undefined)
    // it has greeted: it is back, though not for this one
    host.settled(open(host, a, 1300), wrong, 1300, a.place)
    assert.deepEqual([kind(host, a, 1301), kind(host, b, 1301)], ['left-alone', 'open'])
  })

  it('given up by us while it was tried: the next one tries', () => {
    const host = hostOf()
    host.settled(open(host, a), wrong, 0, a.place)
    host.settled(open(host, a, 1300), { kind: 'abandoned' }, 1300, a.place)
    assert.equal(kind(host, a, 1301), 'open')
  })
})
