/**
 * Every alert of contrib/ on a running gateway with two processes and a real Prometheus: it fires when
 * its cause is brought about, and ends when that is mended. Only the rules' times are shortened.
 */
import assert from 'node:assert/strict'

import { describeWithServers } from '../../servers.js'
import { alertCauses, AlertSite, loneCauses, type Cause } from './alert-causes.js'
import { alertNames, Prometheus, rules } from './prometheus.js'
import { until } from './site.js'

// a scrape may take the two seconds that a process has to answer
const scrape = 3
const patience = 60_000

/** As shipped, but for the times: minutes and a day are seconds. */
function quick(text: string): string {
  return text
    .replace(/for: \d+m/gu, 'for: 1s')
    .replaceAll('[10m]', `[${scrape * 4}s]`)
    .replaceAll('[1d]', `[${scrape * 2}s]`)
    .replaceAll('offset 1d', `offset ${scrape * 2}s`)
}

describeWithServers(['prometheus', 'slapd'], 'the alerts of contrib', function () {
  this.timeout(120_000)
  let own: AlertSite
  let prometheus: Prometheus
  let causes: Cause[]
  let lone: Cause[]

  before(async () => {
    own = await AlertSite.start()
    prometheus = await Prometheus.start(own.site.port, quick(rules), scrape)
    causes = alertCauses(own)
    lone = loneCauses(own)
  })
  after(async () => {
    await prometheus?.stop()
    await own?.stop()
  })

  const allFiring = (): Promise<number | undefined> =>
    prometheus.value('count(ALERTS{alertstate="firing"}) or vector(0)')

  /** What does not fire yet, stirred until all do. */
  async function fire(some: readonly Cause[]): Promise<void> {
    let left = some
    await until(
      async () => {
        for (const { stir } of left) await stir?.()
        const counts = await Promise.all(
          left.map(({ alert, labels }) => prometheus.firing(alert, labels)),
        )
        left = left.filter((_, index) => counts[index] === 0)
        return left.map(({ alert }) => alert)
      },
      (names) => names.length === 0,
      patience,
    )
  }

  async function end(some: readonly Cause[]): Promise<void> {
    await until(
      async () => {
        for (const { prove } of some) await prove?.()
        const counts = await Promise.all(some.map(({ alert }) => prometheus.firing(alert)))
        return some.filter((_, index) => counts[index] !== 0).map(({ alert }) => alert)
      },
      (names) => names.length === 0,
      patience,
    )
  }

  it('every rule has a cause here', () => {
    const names = [...causes, ...lone].map(({ alert }) => alert)
    assert.deepEqual(names.toSorted(), alertNames().toSorted())
  })

  it('none fires while all is well', async () => {
    await own.mail('u@plain.example')
    await until(
      () => prometheus.value('count(up == 1) and on() count(address_space_processes)'),
      (count) => count === 1,
      patience,
    )
    assert.equal(await allFiring(), 0)
  })

  it('each fires when its cause is brought about', async () => {
    for (const cause of causes) {
      await cause.bring()
      await cause.stir?.()
    }
    await fire(causes)
  })

  it('each ends when its cause is mended', async () => {
    for (const { mend } of causes) await mend()
    await end(causes)
    assert.equal(await allFiring(), 0)
  })

  it('a directory that is down, a process that hangs, a gateway that is gone: the same', async () => {
    for (const cause of lone) {
      await cause.bring()
      await fire([cause])
      await cause.mend()
      await end([cause])
    }
  })
})
