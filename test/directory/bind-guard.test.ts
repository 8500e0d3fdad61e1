import assert from 'node:assert/strict'
import { join } from 'node:path'

import { InvalidCredentialsError } from 'ldapts'

import { BindGuard, BindResting } from '../../plugins/directory/ldap/bind-guard.js'
import { temporaryFolder } from '../../scripts/servers/process.js'

const server = (host: string) => ({ url: `ldap://${host}`, secure: false, host, port: 389 })
const dc1 = server('dc1')
const dc2 = server('dc2')
const wrong = { dn: 'cn=haraka', password: 'wrong' }
const right = { dn: 'cn=haraka', password: 'right' }

const minutes = (count: number): number => count * 60_000

/** Servers that take the right password only; `asked` counts refused binds as a domain would. */
function site(refusing: readonly string[] = []) {
  let now = 1_000_000
  const asked: string[] = []
  const file = join(temporaryFolder('binds'), 'corp.refused')
  const guard = (servers = [dc1]): BindGuard => new BindGuard(servers, { file, now: () => now })
  const open = async (one: BindGuard, at = dc1, bind = wrong): Promise<string> => {
    try {
      await one.open(at, bind, 200, async () => {
        asked.push(at.url)
        if (bind.password !== 'right' || refusing.includes(at.url)) {
          throw new Error('bind', { cause: new InvalidCredentialsError() })
        }
        return Promise.resolve()
      })
      return 'open'
    } catch (error) {
      return error instanceof BindResting ? 'rests' : 'refused'
    }
  }
  return { guard, open, asked, pass: (time: number) => (now += time) }
}

describe('bind guard', () => {
  it('tries a refused password after 30 s, then twice as long each time, at most 30 min', async () => {
    const { guard, open, asked, pass } = site()
    const one = guard()
    assert.equal(await open(one), 'refused')
    const rests: number[] = []
    let rested = 0
    // a lookup each second of a day
    for (let second = 0; second < 86_400; second += 1) {
      pass(1000)
      rested += 1
      if ((await open(one)) !== 'refused') continue
      rests.push(rested)
      rested = 0
    }
    assert.deepEqual(rests.slice(0, 8), [30, 60, 120, 240, 480, 960, 1800, 1800])
    assert.ok(asked.length < 55, `${asked.length} tries in a day`)
  })

  it('counts all processes and restarts together', async () => {
    const { guard, open, asked, pass } = site()
    const processes = [guard(), guard(), guard(), guard()]
    const first = await Promise.all(processes.map((one) => open(one)))
    assert.deepEqual(first.toSorted(), ['refused', 'rests', 'rests', 'rests'])
    pass(29_000)
    assert.equal(await open(guard()), 'rests')
    pass(2000)
    const second = await Promise.all([guard(), ...processes].map((one) => open(one)))
    assert.equal(second.filter((answer) => answer === 'refused').length, 1)
    assert.equal(asked.length, 2)
  })

  it('tries a new password at once', async () => {
    const { guard, open } = site()
    const one = guard()
    assert.equal(await open(one), 'refused')
    assert.equal(await open(one), 'rests')
    assert.equal(await open(one, dc1, right), 'open')
    assert.equal(await open(one, dc1, right), 'open')
  })

  it('asks another server next, so that one broken server does not end the directory', async () => {
    const { guard, open, asked, pass } = site([dc1.url])
    const one = guard([dc1, dc2])
    assert.equal(await open(one, dc1, right), 'refused')
    assert.equal(await open(one, dc2, right), 'rests')
    pass(31_000)
    assert.equal(await open(one, dc1, right), 'rests')
    assert.equal(await open(one, dc2, right), 'open')
    // a server that took the password is asked whatever another one says
    assert.equal(await open(one, dc1, right), 'refused')
    assert.equal(await open(one, dc2, right), 'open')
    assert.deepEqual(asked, [dc1.url, dc2.url, dc1.url, dc2.url])
  })

  it('goes back to the first server when the other cannot be reached', async () => {
    const { guard, open, pass } = site()
    const one = guard([dc1, dc2])
    assert.equal(await open(one), 'refused')
    pass(31_000)
    assert.equal(await open(one), 'rests')
    pass(31_000)
    assert.equal(await open(one), 'refused')
  })

  it('does not rest for years after the clock was put back', async () => {
    const { guard, open, pass } = site()
    const one = guard()
    assert.equal(await open(one), 'refused')
    pass(-minutes(60 * 24 * 365))
    assert.equal(await open(one), 'rests')
    pass(minutes(31))
    assert.equal(await open(one), 'refused')
  })

  it('lets anonymous connections pass', async () => {
    const { guard } = site()
    await guard().open(dc1, undefined, 100, () => Promise.resolve())
  })
})
