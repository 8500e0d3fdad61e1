import assert from 'node:assert/strict'

import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import type { HostState } from '../../plugins/delivery/state.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import type { ProcessReport } from '../../plugins/operations/metrics/process-report.js'
import { gather, type Gathered } from '../../plugins/status/gather.js'

const now = Date.parse('2026-11-25T12:00:00Z')

const configuration = {
  acceptedDomains: parseAcceptedDomains([
    'authoritative = example.local',
    'shared = example.com, *.lab.example.com',
    'observe = old.example',
    'postmaster = a@example.local',
  ]),
  connectors: parseConnectorsConfig([
    '[unix]',
    'address_spaces = example.com, *.example.com, old.example',
    'smart_hosts = [192.0.2.1], [192.0.2.2]:2525',
    'warn_after = 1h',
  ]),
  directories: parseDirectoryConfig([
    '[corp]',
    'url = file:contacts.csv',
    'mailbox_host = lmtp://[192.0.2.3]:24',
  ]),
}

function report(more: Partial<ProcessReport> = {}): ProcessReport {
  return {
    started: now,
    counts: [],
    recent: {},
    places: [],
    directories: [],
    journalDropped: 0,
    reload: { since: now },
    ...more,
  }
}

function facts(more: Partial<Gathered> = {}): Gathered {
  return {
    at: now,
    gateway: 'g',
    version: '1',
    configuration,
    reports: [report()],
    processes: { expected: 1, answering: 1, started: now },
    waiting: { places: new Map(), kept: 0 },
    paused: new Map(),
    certificates: [],
    journalOn: true,
    journalDropped: 0,
    peers: [],
    ...more,
  }
}

function hostState(more: Partial<HostState> = {}): HostState {
  return { host: 'h', condition: 'well', reason: '', busy: 1, idle: 2, limit: 10, ...more }
}

function placeOf(reports: readonly ProcessReport[], key: string) {
  const found = gather(facts({ reports })).places.find((place) => place.key === key)
  assert.ok(found, key)
  return found
}

function withHosts(...hosts: HostState[]): ProcessReport {
  const state = { place: 'connector:unix', hosts, underWay: 0, waiting: 0, lastReply: 'no' }
  return report({ places: [state] })
}

describe('the view of a gateway', () => {
  it('has domains with their types and where the rest goes', () => {
    assert.deepEqual(gather(facts()).domains, [
      { name: 'example.local', type: 'authoritative' },
      { name: 'example.com', type: 'shared', connector: 'unix' },
      { name: '*.lab.example.com', type: 'shared', connector: 'unix' },
      { name: 'old.example', type: 'observe', connector: 'unix' },
    ])
  })

  it('has hosts as they are configured while none has been used', () => {
    const { hosts, warnAfter } = placeOf([report()], 'connector:unix')
    assert.deepEqual(
      hosts.map(({ host, condition }) => [host, condition]),
      [
        ['[192.0.2.1]', 'unused'],
        ['[192.0.2.2]:2525', 'unused'],
      ],
    )
    assert.equal(warnAfter, 3_600_000)
  })

  const alone = hostState({ condition: 'left-alone', reason: 'gone', until: now + 5 })
  const joined: [string, HostState, HostState, string, string][] = [
    ['well and well', hostState(), hostState(), 'well', ''],
    ['left alone by one, well for the other', alone, hostState(), 'well', ''],
    ['left alone by both', alone, alone, 'left-alone', 'gone'],
    ['full for one', hostState({ condition: 'full', reason: '421' }), hostState(), 'full', '421'],
  ]
  for (const [title, one, other, condition, reason] of joined) {
    it(`adds two processes up: ${title}`, () => {
      const [host, ...more] = placeOf([withHosts(one), withHosts(other)], 'connector:unix').hosts
      assert.deepEqual(more, [])
      assert.equal(host?.condition, condition)
      assert.equal(host?.reason, reason)
      assert.deepEqual([host?.busy, host?.idle, host?.limit], [2, 4, 20])
    })
  }

  it('adds recent counts up, and tells decisions from attempts', () => {
    const decision = {
      of: 'decision',
      domain: 'example.com',
      directory: '',
      rule: 'shared',
      place: 'connector:unix',
    }
    const attempt = { of: 'attempt', place: 'connector:unix', outcome: 'delivered' }
    const recent = { [JSON.stringify(decision)]: 2, [JSON.stringify(attempt)]: 3 }
    const seen = gather(facts({ reports: [report({ recent }), report({ recent })] }))
    const { of: _, ...flow } = decision
    assert.deepEqual(seen.flows, [{ ...flow, count: 4 }])
    const unix = seen.places.find(({ key }) => key === 'connector:unix')
    assert.deepEqual(unix?.recent, { delivered: 6, deferred: 0, refused: 0 })
  })

  it('shows a place that is no longer configured while mail waits for it, and those by MX as one', () => {
    const waiting = {
      kept: 0,
      places: new Map([
        ['connector:gone', { messages: 1, recipients: 1 }],
        ['outbound', { messages: 2, recipients: 2 }],
      ]),
    }
    const keys = gather(facts({ waiting })).places.map(({ key }) => key)
    assert.deepEqual(keys, ['connector:unix', 'mailbox-host:corp', 'connector:gone', 'outbound'])
  })

  it('is in trouble when one process cannot ask a directory, and tells its oldest contents', () => {
    const counts = { hits: 1, misses: 2, stale: 3, errors: 4 }
    const contents = { entries: 5, addresses: 6, asOf: now - 1000, fault: '' }
    const failing = { reason: 'timed out', since: now }
    const [corp] = gather(
      facts({
        reports: [
          report({ directories: [{ name: 'corp', counts, contents }] }),
          report({
            directories: [
              { name: 'corp', counts, contents: { ...contents, asOf: now - 9000 }, failing },
            ],
          }),
        ],
      }),
    ).directories
    assert.equal(corp?.condition, 'trouble')
    assert.equal(corp?.trouble, 'timed out')
    assert.equal(corp?.asOf, now - 9000)
    assert.deepEqual(corp?.lookups, { hits: 2, misses: 4, stale: 6, errors: 8 })
  })

  it('tells the newest failed reload of any process', () => {
    const reports = [
      report({ reload: { since: 1, failed: { at: 5, errors: ['old'] } } }),
      report({ reload: { since: 2, failed: { at: 6, errors: ['new'] } } }),
      report(),
    ]
    assert.deepEqual(gather(facts({ reports })).configuration.failed, { at: 6, errors: ['new'] })
  })
})
