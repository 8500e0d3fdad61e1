/** Which targets the next message to the same place gets without being looked for again. */
import assert from 'node:assert/strict'
import type { SecureContext } from 'node:tls'

import { RecentTargets } from '../../../plugins/delivery/hosts/recent-targets.js'
import type { Target } from '../../../plugins/delivery/hosts/target.js'

const endpoint = (host: string) =>
  ({ protocol: 'smtp', destination: { host, port: 25 }, names: [host] }) as const
const plain: Target = {
  place: 'connector:unix',
  endpoints: [endpoint('192.0.2.1')],
  backups: [],
  maxSessions: 20,
  tls: 'opportunistic',
  maxRecipients: 100,
  direct: true,
  xclient: false,
  chunking: true,
  way: 'connector:unix [192.0.2.1]',
}
const settings = { name: 'unix' }

describe('targets of the last second', () => {
  const cases: [title: string, target: Target, after: number, settings: object, found: number][] = [
    ['a host that is one address', plain, 999, settings, 1],
    ['a second later', plain, 1000, settings, 2],
    ['settings that have changed', plain, 0, { ...settings }, 2],
    [
      'several hosts share the load',
      { ...plain, endpoints: [endpoint('192.0.2.1'), endpoint('192.0.2.2')] },
      0,
      settings,
      2,
    ],
    ['a backup host', { ...plain, backups: [endpoint('192.0.2.2')] }, 0, settings, 2],
    [
      'a password, which may be renewed',
      { ...plain, credentials: { user: 'a', password: 'b' } },
      0,
      settings,
      2,
    ],
    [
      'a certificate, which may be renewed',
      {
        ...plain,
        identity: {
          ehloName: '',
          tlsName: '',
          tls: { version: '1', context: {} as SecureContext },
        },
      },
      0,
      settings,
      2,
    ],
  ]
  for (const [title, target, after, later, expected] of cases) {
    it(`${title}: looked for ${expected} times for two messages`, async () => {
      let now = 5000
      let found = 0
      const recent = new RecentTargets(() => now)
      const find = (): Promise<Target> => {
        found++
        return Promise.resolve(target)
      }
      assert.equal(await recent.of('connector:unix', settings, find), target)
      now += after
      assert.equal(await recent.of('connector:unix', later, find), target)
      assert.equal(found, expected)
    })
  }

  it('what was not found is looked for again, and another place is another', async () => {
    const recent = new RecentTargets(() => 0)
    const failed = (): Promise<Target> => Promise.reject(new Error('no such host'))
    await assert.rejects(async () => recent.of('connector:unix', settings, failed))
    assert.equal(await recent.of('connector:unix', settings, () => Promise.resolve(plain)), plain)
    await assert.rejects(async () => recent.of('connector:other', settings, failed))
  })
})
