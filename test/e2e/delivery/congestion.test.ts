/**
 * The scenarios of `npm run congestion` in their short form: what is aimed at for the pack, with room for
 * a loaded machine where seconds are compared.
 */
import assert from 'node:assert/strict'

import { scenarios } from '../../../scripts/congestion/scenarios.js'
import type { Result, RunOptions } from '../../../scripts/congestion/scenario.js'
import { buildIfStale } from '../../../scripts/build.js'
import { describeWithServers } from '../../servers.js'

interface ShortForm extends Pick<RunOptions, 'seconds' | 'messages' | 'gateways'> {
  /** seconds at most */
  readonly most: number
}

const pack = ['pack'] as const
const both = ['pack', 'Postfix'] as const

const shortForms: Record<string, ShortForm> = {
  attack: { seconds: 4, gateways: both, most: 5 },
  'sessions-20': { messages: 90, gateways: both, most: 15 },
  'sessions-5': { messages: 60, gateways: ['pack', 'pack, nodes=2'], most: 30 },
  'slow-host': { seconds: 3, gateways: pack, most: 3 },
  outage: { seconds: 5, gateways: pack, most: 30 },
  'far-host': { messages: 120, gateways: pack, most: 15 },
}

describeWithServers(['postfix'], 'hosts that are slow, full, strict, away or far', function () {
  this.timeout(120_000)

  before(async () => {
    await buildIfStale()
  })

  for (const scenario of scenarios) {
    const { name, title, about } = scenario
    it(`${title}: ${about}`, async () => {
      const form = shortForms[name]
      assert.ok(form, `no short form of ${name}`)
      const results = await scenario.run({ ...form, tell: () => undefined })
      assert.deepEqual(
        results.map(({ gateway }) => gateway),
        form.gateways,
      )
      for (const result of results) expectAll(result, form.most)
      assert.ok(scenario.aims(results).length > 0)
    })
  }

  function expectAll({ gateway, arrived, expected, seconds, figures }: Result, most: number): void {
    assert.equal(arrived, expected, `${gateway}: ${arrived} of ${expected}`)
    assert.ok(seconds <= most, `${gateway}: ${seconds.toFixed(1)} s`)
    if (gateway !== 'pack') return
    assert.equal(
      figures['refused once learned'] ?? '0',
      '0',
      'asked again after the limit was learned',
    )
    assert.ok(Number(figures['sessions at once'] ?? 0) <= 20)
  }
})
