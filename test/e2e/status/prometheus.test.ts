/** A real Prometheus scrapes a gateway of two processes; the dashboard's questions are asked of it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Catcher, send } from '../../harness/haraka.js'
import { describeWithServers } from '../../servers.js'
import { contrib, Prometheus, rules } from './prometheus.js'
import { makeSite, startSite, until, workersOf, type Site } from './site.js'

describeWithServers(['prometheus'], 'a real Prometheus', function () {
  this.timeout(120_000)
  let unix: Catcher
  let site: Site
  let prometheus: Prometheus

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    site = await makeSite(unix, { nodes: 2 })
    await startSite(site)
    // an alert must not take minutes here; that it waits is promtool's to test
    prometheus = await Prometheus.start(site.port, rules.replace(/for: \d+m/gu, 'for: 0s'))
  })
  after(async () => {
    await prometheus?.stop()
    await site?.gateway.stop()
    await unix?.stop()
  })

  const value = (expression: string): Promise<number | undefined> => prometheus.value(expression)

  async function mail(times: number): Promise<void> {
    for (let sent = 0; sent < times; sent++) {
      await send(site.gateway, { from: 'a@client.example', to: ['olga@example.com'] })
    }
  }

  it('finds nothing to say of the metrics', async () => {
    const text = await (await fetch(`http://127.0.0.1:${site.port}/metrics`)).text()
    // promtool's exit code is that of its findings
    const output = execFileSync('/usr/bin/promtool', ['check', 'metrics'], { input: text })
    assert.equal(output.toString(), '')
  })

  it('has the right sum, and an increase that is right after a worker has died', async () => {
    const total = 'sum(address_space_recipients_total{decision="shared"})'
    await mail(10)
    await until(
      () => value(total),
      (sum) => sum === 10,
    )
    const [victim = 0] = workersOf(site)
    process.kill(victim, 'SIGKILL')
    await site.gateway.waitForLog(/worker 3 listening on/u, 30_000)
    await mail(5)
    await until(
      () => value(total),
      (sum) => sum === 15,
    )
    assert.equal(await value(`resets(address_space_recipients_total{decision="shared"}[1m])`), 0)
    const increase =
      (await value(`sum(increase(address_space_recipients_total{decision="shared"}[1m]))`)) ?? 0
    assert.ok(increase <= 16, `Prometheus counts ${increase}`)
  })

  it('answers every question of the dashboard', async () => {
    const text = readFileSync(join(contrib, 'grafana', 'address-space.json'), 'utf8')
    const { panels } = JSON.parse(text) as {
      panels: { title: string; targets: { expr: string }[] }[]
    }
    assert.ok(panels.length >= 10)
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const answer = await prometheus.query(expr.replaceAll('$instance', '.*'))
        assert.equal(answer.status, 'success', `${title}: ${expr}: ${answer.error ?? ''}`)
        const names = [...expr.matchAll(/address_space_\w+/gu)].map(([name]) => name)
        for (const name of names) await known(name)
      }
    }
  })

  /** A metric that nothing has been counted of has no series, but its name stands in /metrics. */
  async function known(name: string): Promise<void> {
    const text = await (await fetch(`http://127.0.0.1:${site.port}/metrics`)).text()
    const family = name.replace(/_bucket$/u, '')
    assert.ok(text.includes(`# TYPE ${family} `), `${name} is no metric of ours`)
  }
})
