/** What ships in contrib/, read by the tools that will read it. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from '../../scripts/servers/process.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'

const contrib = join(__dirname, '..', '..', 'contrib')
const rules = join(contrib, 'prometheus', 'address-space.rules.yml')

describeWithServers(['prometheus'], 'alert rules', function () {
  this.timeout(60_000)

  it('are rules that Prometheus takes', async () => {
    assert.match(await run('/usr/bin/promtool', ['check', 'rules', rules]), /SUCCESS: 12 rules/u)
  })

  it('fire when their cause is there, and not otherwise', async () => {
    const dir = tempDir('rules')
    copyFileSync(rules, join(dir, 'rules.yml'))
    writeFileSync(join(dir, 'test.yml'), ruleTests())
    await run('/usr/bin/promtool', ['test', 'rules', join(dir, 'test.yml')])
  })
})

describeWithServers(['logrotate'], 'the logrotate file', function () {
  it('is one that logrotate takes', async () => {
    const dir = tempDir('logrotate')
    const log = join(dir, 'haraka.log')
    writeFileSync(log, 'a line\n')
    const text = readFileSync(join(contrib, 'logrotate', 'haraka'), 'utf8')
    writeFileSync(join(dir, 'haraka'), text.replaceAll('/var/log/haraka.log', log), { mode: 0o644 })
    chmodSync(dir, 0o755)
    const args = ['-f', '-s', join(dir, 'state'), join(dir, 'haraka')]
    await run('/usr/sbin/logrotate', ['-d', ...args])
    await run('/usr/sbin/logrotate', args)
    // Haraka keeps the file open: it is emptied and stays
    assert.equal(readFileSync(log, 'utf8'), '')
    assert.equal(readFileSync(`${log}.1`, 'utf8'), 'a line\n')
  })
})

describeWithServers(['systemd'], 'the systemd unit', function () {
  this.timeout(60_000)

  it('is one that systemd takes', async () => {
    const unit = join(contrib, 'systemd', 'haraka.service')
    assert.equal(await run('/usr/bin/systemd-analyze', ['verify', '--man=no', unit]), '')
  })
})

/** A row an alert: the series that bring it about, and those that do not. */
function ruleTests(): string {
  const at1 = '{instance="g1",place="connector:unix"}'
  const directory = '{instance="g1",directory="corp"}'
  const rows: [alert: string, name: string, ill: string, well: string, at: string][] = [
    ['GatewayDown', 'up{job="address-space",instance="g1"}', '0x20', '1x20', '10m'],
    ['MailWaitsTooLong', `address_space_queue_oldest_age_seconds${at1}`, '3700x20', '60x20', '10m'],
    ['HostLeftAlone', `address_space_host_left_alone${at1}`, '1x30', '1x5 0x25', '20m'],
    ['DirectoryFailing', `address_space_directory_failing${directory}`, '1x20', '1x5 0x15', '10m'],
    ['DirectoryStale', `address_space_directory_stale${directory}`, '1x30', '0x30', '20m'],
    [
      'DirectoryStale',
      `address_space_directory_age_seconds${directory}`,
      '90000x30',
      '9x30',
      '20m',
    ],
    ['LoopRefused', 'address_space_loops_refused_total{instance="g1"}', '0+1x20', '5x20', '10m'],
    [
      'ReloadFailed',
      'address_space_configuration_reload_failed{instance="g1"}',
      '1x20',
      '0x20',
      '10m',
    ],
    [
      'CertificateEndsSoon',
      'address_space_certificate_not_after_timestamp_seconds{instance="g1",where="tls_cert.pem"}',
      '864000x20',
      '8640000x20',
      '10m',
    ],
    ['PausedForLong', `address_space_place_paused${at1}`, '1x1500', '0x10 1x1490', '1449m'],
    [
      'JournalIncomplete',
      'address_space_journal_lines_dropped_total{instance="g1"}',
      '0+5x20',
      '3x20',
      '10m',
    ],
  ]
  const tests = rows.flatMap(([alert, name, ill, well, at]) => [
    ruleTest(alert, [[name, ill]], at, true),
    ruleTest(alert, [[name, well]], at, false),
  ])
  const pairs = [
    ['DiskNearlyFull', 'address_space_disk_free_bytes', 'address_space_disk_floor_bytes'],
    ['ProcessesMissing', 'address_space_processes_answering', 'address_space_processes'],
  ] as const
  for (const [alert, low, high] of pairs) {
    const series = (left: string) =>
      [
        [`${low}{instance="g1"}`, left],
        [`${high}{instance="g1"}`, '2x20'],
      ] as const
    tests.push(ruleTest(alert, series('1x20'), '10m', true))
    tests.push(ruleTest(alert, series('4x20'), '10m', false))
  }
  const held = [
    [`address_space_queue_oldest_age_seconds${at1}`, '3700x20'],
    [`address_space_place_paused${at1}`, '1x20'],
  ] as const
  tests.push(ruleTest('MailWaitsTooLong', held, '10m', false))
  return `rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n${tests.join('\n')}\n`
}

function ruleTest(
  alert: string,
  series: readonly (readonly [name: string, values: string])[],
  at: string,
  fires: boolean,
): string {
  return `  - interval: 1m
    input_series:
${series.map(([name, values]) => `      - {series: '${name}', values: '${values}'}`).join('\n')}
    promql_expr_test:
      - expr: count(ALERTS{alertname="${alert}",alertstate="firing"})
        eval_time: ${at}
        exp_samples: [${fires ? "{labels: '{}', value: 1}" : ''}]`
}
