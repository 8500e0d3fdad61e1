/** A real Prometheus scrapes a gateway of two processes; rules and dashboard are asked of it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../../plugins/stage/free-port.js'
import { ServerProcess } from '../../../scripts/servers/process.js'
import { Catcher, send } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { makeSite, startSite, token, until, workersOf, type Site } from './site.js'

const contrib = join(__dirname, '..', '..', '..', 'contrib')

interface Result {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

describeWithServers(['prometheus'], 'a real Prometheus', function () {
  this.timeout(120_000)
  let unix: Catcher
  let site: Site
  let prometheus: ServerProcess
  let api: string

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    site = await makeSite(unix, { nodes: 2 })
    await startSite(site)
    const dir = tempDir('prometheus')
    const port = await freePort('127.0.0.1')
    api = `http://127.0.0.1:${port}/api/v1`
    // an alert must not take minutes here; that it waits is promtool's to test
    const rules = readFileSync(join(contrib, 'prometheus', 'address-space.rules.yml'), 'utf8')
    writeFileSync(join(dir, 'rules.yml'), rules.replace(/for: \d+m/gu, 'for: 0s'))
    writeFileSync(join(dir, 'token'), token, { mode: 0o600 })
    writeFileSync(
      join(dir, 'prometheus.yml'),
      `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: address-space
    authorization: {credentials_file: token}
    static_configs: [{targets: ['127.0.0.1:${site.port}']}]
`,
    )
    prometheus = new ServerProcess('/usr/bin/prometheus', [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    await prometheus.listening(port)
  })
  after(async () => {
    await prometheus?.stop()
    await site?.gateway.stop()
    await unix?.stop()
  })

  async function query(expression: string): Promise<Result> {
    const response = await fetch(`${api}/query?query=${encodeURIComponent(expression)}`)
    return (await response.json()) as Result
  }

  async function value(expression: string): Promise<number | undefined> {
    const [first] = (await query(expression)).data.result
    return first && Number(first.value[1])
  }

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

  it('raises an alert when a change cannot be taken, and ends it when it is mended', async () => {
    const alerts = 'count(ALERTS{alertname="ReloadFailed",alertstate="firing"}) or vector(0)'
    assert.equal(await value(alerts), 0)
    const file = join(site.gateway.configDir, 'connectors.ini')
    const good = readFileSync(file, 'utf8')
    await site.gateway.writeConfig('connectors.ini', `${good}cost = abc\n`)
    await until(
      () => value(alerts),
      (count) => count === 1,
    )
    await site.gateway.writeConfig('connectors.ini', good)
    await until(
      () => value(alerts),
      (count) => count === 0,
    )
  })

  it('answers every question of the dashboard', async () => {
    const text = readFileSync(join(contrib, 'grafana', 'address-space.json'), 'utf8')
    const { panels } = JSON.parse(text) as {
      panels: { title: string; targets: { expr: string }[] }[]
    }
    assert.ok(panels.length >= 10)
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const answer = await query(expr.replaceAll('$instance', '.*'))
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
