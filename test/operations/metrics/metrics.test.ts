import assert from 'node:assert/strict'

import { GatewayCounts } from '../../../plugins/operations/metrics/gateway-counts.js'
import { MailMetrics } from '../../../plugins/operations/metrics/mail-metrics.js'
import { RecentCounts } from '../../../plugins/operations/metrics/recent-counts.js'
import type { MailEvent } from '../../../plugins/mail/mail-event.js'

function metricsOf(domains: readonly string[] = ['example.com']): MailMetrics {
  return new MailMetrics({
    acceptedDomain: (address) => domains.find((domain) => address.endsWith(`@${domain}`)),
    lookups: () => [['corp', 'hit', 7]],
    verifyAnswers: () => [['unix', 'no', 2]],
    journalDropped: () => 3,
  })
}

function decided(original: string, decision: string, place?: string): MailEvent {
  return { kind: 'decided', uuid: 'U.1', original, decision, ...(place !== undefined && { place }) }
}

function answered(kind: 'delivered' | 'deferred' | 'refused', place: string): MailEvent {
  const address = 'a@b.example'
  const words = { host: 'h', reply: '250 ok' }
  return { kind, uuid: 'U.1', place, recipient: address, original: address, ...words }
}

async function textOf(...all: readonly MailMetrics[]): Promise<string[]> {
  const counts = new GatewayCounts()
  for (const [index, one] of all.entries()) counts.update(index, await one.counts())
  return linesOf(counts)
}

async function linesOf(counts: GatewayCounts): Promise<string[]> {
  const text = await counts.sums().metrics()
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

describe('metrics of the mail', () => {
  it('count decisions by rule and accepted domain, attempts by place and outcome', async () => {
    const metrics = metricsOf()
    metrics.observe(decided('a@example.com', 'shared', 'connector:unix'))
    metrics.observe(decided('b@example.com', 'shared', 'connector:unix'))
    metrics.observe(answered('delivered', 'connector:unix'))
    metrics.observe(answered('refused', 'connector:unix'))
    const lines = await textOf(metrics)
    for (const expected of [
      'address_space_recipients_total{decision="shared",domain="example.com"} 2',
      'address_space_delivery_recipients_total{place="connector:unix",outcome="delivered"} 1',
      'address_space_delivery_recipients_total{place="connector:unix",outcome="refused"} 1',
      'address_space_directory_lookups_total{directory="corp",result="hit"} 7',
      'address_space_verify_answers_total{connector="unix",answer="no"} 2',
      'address_space_journal_lines_dropped_total 3',
    ]) {
      assert.ok(lines.includes(expected), `${expected}\nis not in\n${lines.join('\n')}`)
    }
  })

  it('have no label that a stranger chooses', async () => {
    const metrics = metricsOf()
    for (let index = 0; index < 1000; index++) {
      const domain = `d${index}.foreign.example`
      metrics.observe(decided(`x@${domain}`, 'relaying-denied'))
      metrics.observe(answered('deferred', `outbound:${domain}`))
      metrics.observe({
        kind: 'received',
        uuid: `U${index}.1`,
        sender: `x@${domain}`,
        messageId: domain,
        client: { ip: '192.0.2.1', host: domain, hello: domain },
        size: 1,
      })
    }
    const lines = await textOf(metrics)
    assert.ok(lines.length < 20, lines.join('\n'))
    assert.ok(!lines.join('\n').includes('foreign.example'))
    assert.ok(
      lines.includes(
        'address_space_recipients_total{decision="relaying-denied",domain="other"} 1000',
      ),
    )
    assert.ok(
      lines.includes(
        'address_space_delivery_recipients_total{place="outbound",outcome="deferred"} 1000',
      ),
    )
    assert.equal(Object.keys(metrics.recentCounts()).length, 2)
  })

  it('tell how long a client waited for the next host, and how long mail was in the queue', async () => {
    const metrics = metricsOf()
    const client = { ip: '', host: '', hello: '' }
    const received = {
      kind: 'received',
      uuid: 'U.1',
      sender: '',
      messageId: '',
      client,
      size: 1,
    } as const
    metrics.observe(received)
    metrics.observe(answered('delivered', 'connector:unix'))
    const arrival = Date.now() - 2 * 3_600_000
    const entry = `${arrival}_${arrival}_3_77_abc_1_gateway`
    for (const outcome of ['deferred', 'delivered'] as const) {
      metrics.observe({ ...answered(outcome, 'connector:unix'), entry } as MailEvent)
    }
    const lines = await textOf(metrics)
    const series = (part: string, how: string): string =>
      `address_space_delivery_seconds_${part}{${part === 'bucket' ? 'le="3600",' : ''}place="connector:unix",outcome="delivered",how="${how}"}`
    assert.ok(lines.includes(`${series('count', 'direct')} 1`), lines.join('\n'))
    assert.ok(lines.includes(`${series('count', 'queued')} 1`), lines.join('\n'))
    assert.ok(lines.includes(`${series('bucket', 'direct')} 1`))
    assert.ok(lines.includes(`${series('bucket', 'queued')} 0`), 'it took two hours')
    assert.ok(!lines.some((line) => /seconds_count.*deferred/u.test(line)))
  })

  it('are added up over processes, and keep what a process counted that is gone', async () => {
    const [first, second, third] = [metricsOf(), metricsOf(), metricsOf()]
    const counts = new GatewayCounts()
    const line = 'address_space_recipients_total{decision="shared",domain="example.com"}'
    const total = async () =>
      (await linesOf(counts))
        .find((one) => one.startsWith(line))
        ?.split(' ')
        .at(-1)

    for (const metrics of [first, second]) {
      metrics.observe(decided('a@example.com', 'shared', 'connector:unix'))
    }
    counts.update(1, await first.counts())
    counts.update(2, await second.counts())
    assert.equal(await total(), '2')
    await counts.end(2)
    assert.equal(await total(), '2')
    third.observe(decided('a@example.com', 'shared', 'connector:unix'))
    counts.update(3, await third.counts())
    assert.equal(await total(), '3')
    await counts.end(1)
    await counts.end(3)
    await counts.end(3)
    assert.equal(await total(), '3')
  })
})

describe('counts of the last five minutes', () => {
  it('forget what is older, and nothing that is not', () => {
    let now = 0
    const counts = new RecentCounts(() => now)
    counts.add('a')
    now = 200_000
    counts.add('a', 2)
    counts.add('b')
    assert.deepEqual(counts.sums(), { a: 3, b: 1 })
    now = 299_000
    assert.deepEqual(counts.sums(), { a: 3, b: 1 })
    now = 310_000
    assert.deepEqual(counts.sums(), { a: 2, b: 1 })
    now = 1_000_000
    assert.deepEqual(counts.sums(), {})
  })
})
