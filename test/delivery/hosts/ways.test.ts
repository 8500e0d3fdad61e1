import assert from 'node:assert/strict'

import { Resolver } from '../../../plugins/delivery/hosts/resolver.js'
import { TargetFinder } from '../../../plugins/delivery/hosts/target.js'
import { formatSmartHost, parseSmartHost } from '../../../plugins/mail/smart-host.js'
import type { Place } from '../../../plugins/mail/place.js'
import { setupOf, TableDns } from '../setup.js'

const self = '192.0.2.99:25'
const mx = (exchange: string, priority: number) => ({ exchange, priority })
const timeout = Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' })
const dns = new TableDns({
  'A us.example': ['192.0.2.99'],
  'A both.example': ['192.0.2.1', '192.0.2.99'],
  'A other.example': ['192.0.2.1'],
  'A slow.example': timeout,
  'MX slow.example': timeout,
  'MX ours.example': [mx('us.example', 5), mx('other.example', 10)],
  'MX backup.example': [mx('other.example', 5), mx('us.example', 10)],
})

describe('hosts that are this gateway itself, by their names', () => {
  const cases: [host: string, isSelf: boolean][] = [
    ['[us.example]', true],
    ['us.example', true],
    ['[US.example]:25', true],
    ['[us.example]:2525', false],
    ['[both.example]', true],
    ['[other.example]', false],
    ['ours.example', true],
    // RFC 5321 5.1: the hosts before us are used
    ['backup.example', false],
    ['[slow.example]', false],
    ['slow.example', false],
    ['gone.example', false],
    ['lmtp://unix:/run/lmtp', false],
  ]
  const finder = new TargetFinder(setupOf({ connectors: '', self }), new Resolver(dns))
  for (const [text, isSelf] of cases) {
    it(`${text}: ${isSelf ? 'itself' : 'another, or not known'}`, async () => {
      const host = parseSmartHost(text)
      assert.ok(host)
      const found = await finder.selfAmong([host], 2000)
      assert.deepEqual(found.map(formatSmartHost), isSelf ? [formatSmartHost(host)] : [])
    })
  }

  it('does not wait for DNS that does not answer', async () => {
    const never = {
      resolveMx: () => new Promise<never>(() => {}),
      lookup: () => new Promise<never>(() => {}),
    }
    const waiting = new TargetFinder(setupOf({ connectors: '', self }), new Resolver(never))
    const host = parseSmartHost('us.example')
    assert.ok(host)
    assert.deepEqual(await waiting.selfAmong([host], 20), [])
  })
})

describe('the ways to a connector', () => {
  const unix: Place = { kind: 'connector', connector: 'unix' }
  const waysOf = (more: string): Promise<string[]> => {
    const connectors = `[unix]\naddress_spaces = unix.example\nsmart_hosts = [192.0.2.9]\n${more}`
    return new TargetFinder(setupOf({ connectors, self }), new Resolver(dns)).waysTo(unix)
  }

  it('one: its smart hosts', async () => {
    assert.deepEqual(await waysOf(''), ['connector:unix [192.0.2.9]'])
  })

  it('from a bridgehead the same', async () => {
    assert.deepEqual(await waysOf('bridgeheads = us.example'), await waysOf(''))
  })

  it('from another gateway both: through the bridgeheads, and what a bridgehead handed on', async () => {
    assert.deepEqual(await waysOf('bridgeheads = other.example'), [
      ...(await waysOf('')),
      'connector:unix other.example',
    ])
  })

  it('none, if it is not in the configuration now', async () => {
    const finder = new TargetFinder(setupOf({ connectors: '', self }), new Resolver(dns))
    assert.deepEqual(await finder.waysTo(unix), [])
  })
})
