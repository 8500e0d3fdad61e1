/** Views of gateways that do not run: an empty one, the sample, a large one. For tests of the page. */
import { problemsOf } from '../../plugins/status/problems.js'
import type {
  DirectoryView,
  DomainView,
  Flow,
  HostView,
  PlaceView,
  StatusView,
} from '../../plugins/status/view.js'

export const now = Date.parse('2026-11-25T23:14:02Z')
const minute = 60_000

export function host(name: string, more: Partial<HostView> = {}): HostView {
  return { host: name, condition: 'well', reason: '', busy: 0, idle: 1, limit: 20, ...more }
}

export function place(key: string, more: Partial<PlaceView> = {}): PlaceView {
  const [kind = '', name = ''] = key.split(':')
  return {
    key,
    kind: kind === 'connector' || kind === 'mailbox-host' ? kind : 'outbound',
    name,
    spaces: [],
    hosts: [],
    configuredHosts: true,
    waiting: { messages: 0, recipients: 0 },
    recent: { delivered: 0, deferred: 0, refused: 0 },
    lastReply: '',
    warnAfter: 240 * minute,
    ...more,
  }
}

export function directory(name: string, more: Partial<DirectoryView> = {}): DirectoryView {
  return {
    name,
    source: `file ${name}.csv`,
    condition: 'well',
    trouble: '',
    lookups: { hits: 0, misses: 0, stale: 0, errors: 0 },
    ...more,
  }
}

export function view(more: Partial<Omit<StatusView, 'problems'>> = {}): StatusView {
  const seen = {
    at: now,
    gateway: 'gateway.example',
    version: '0.1.0',
    processes: { expected: 1, answering: 1, started: now - 90 * minute },
    configuration: { since: now - 90 * minute },
    domains: [],
    directories: [],
    places: [],
    flows: [],
    kept: 0,
    certificates: [],
    journal: { on: true, dropped: 0 },
    peers: [],
    ...more,
  }
  return { ...seen, problems: problemsOf(seen) }
}

export const emptyView = view()

const sampleDomains: DomainView[] = [
  { name: 'example.local', type: 'authoritative' },
  { name: 'xo.one', type: 'authoritative' },
  { name: 'example.com', type: 'shared', connector: 'unix' },
  { name: 'remote.domain', type: 'shared', connector: 'remote' },
]

function flow(
  domain: string,
  directoryName: string,
  rule: string,
  to: string,
  count: number,
): Flow {
  return { domain, directory: directoryName, rule, place: to, count }
}

export const sampleView = view({
  domains: sampleDomains,
  directories: [
    directory('corp', {
      source: 'file contacts.csv',
      place: 'mailbox-host:corp',
      entries: 6,
      asOf: now - 2000,
      lookups: { hits: 48, misses: 0, stale: 0, errors: 0 },
    }),
  ],
  places: [
    place('connector:unix', {
      spaces: ['example.com'],
      hosts: [
        host('[127.0.0.2]:41743', {
          condition: 'left-alone',
          reason: 'connect ECONNREFUSED 127.0.0.2:41743',
          until: now + 42_000,
        }),
      ],
      waiting: { messages: 3, recipients: 4, oldest: now - 7 * minute, nextTry: now + 42_000 },
      recent: { delivered: 11, deferred: 4, refused: 0 },
      lastReply: 'connect ECONNREFUSED 127.0.0.2:41743',
    }),
    place('connector:remote', {
      spaces: ['remote.domain'],
      hosts: [host('[127.0.0.3]:44063', { busy: 1 })],
      recent: { delivered: 5, deferred: 0, refused: 1 },
      waiting: { messages: 2, recipients: 2, oldest: now - 3 * minute },
      paused: { reason: 'move of the remote site', until: now + 100 * minute },
    }),
    place('mailbox-host:corp', {
      hosts: [host('[127.0.0.4]:42147')],
      recent: { delivered: 23, deferred: 0, refused: 0 },
    }),
  ],
  flows: [
    flow('example.local', 'corp', 'mailbox', 'mailbox-host:corp', 12),
    flow('example.local', '', 'unknown', '', 3),
    flow('example.com', 'corp', 'mailbox', 'mailbox-host:corp', 11),
    flow('example.com', 'corp', 'contact', 'connector:remote', 4),
    flow('example.com', '', 'shared', 'connector:unix', 15),
    flow('xo.one', 'corp', 'contact', 'connector:remote', 2),
    flow('other', '', 'relaying-denied', '', 2),
  ],
})

/** 200 domains, 50 connectors with two hosts each, three directories. */
export const largeView = view({
  processes: { expected: 4, answering: 4, started: now - 9000 * minute },
  domains: Array.from({ length: 200 }, (_, index): DomainView => {
    const connector = `site-${String(index % 50).padStart(2, '0')}`
    return index < 20
      ? { name: `company-${index}.example`, type: 'authoritative' }
      : {
          name: `division-${index}.example.com`,
          type: index % 7 === 0 ? 'relay' : 'shared',
          connector,
        }
  }),
  directories: ['emea', 'americas', 'asia-pacific'].map((name, index) =>
    directory(name, {
      source: `ldaps://dc1.${name}.corp.example:3269`,
      place: `mailbox-host:${name}`,
      ...(index === 2 && {
        condition: 'trouble',
        trouble: 'connect ETIMEDOUT 10.20.30.40:3269',
      }),
    }),
  ),
  places: [
    ...Array.from({ length: 50 }, (_, index) => {
      const name = `site-${String(index).padStart(2, '0')}`
      const down = index === 17
      return place(`connector:${name}`, {
        spaces: [`division-${index + 50}.example.com`, `division-${index + 100}.example.com`],
        hosts: [1, 2].map((n) =>
          host(
            `mx${n}.${name}.example[10.1.${index}.${n}]:25`,
            down
              ? { condition: 'left-alone', reason: 'timed out', until: now + 200_000 }
              : index % 9 === 3
                ? {}
                : { busy: index % 4 },
          ),
        ),
        waiting: down
          ? { messages: 1204, recipients: 3310, oldest: now - 300 * minute, nextTry: now + 200_000 }
          : { messages: 0, recipients: 0 },
        recent: { delivered: (index * 37) % 400, deferred: 0, refused: index % 3 },
        lastReply: down ? 'connect ETIMEDOUT 10.1.17.1:25' : '',
      })
    }),
    ...['emea', 'americas', 'asia-pacific'].map((name) =>
      place(`mailbox-host:${name}`, {
        hosts: [host(`mail.${name}.corp.example[10.9.0.1]:25`, { busy: 7 })],
        recent: { delivered: 9120, deferred: 3, refused: 41 },
      }),
    ),
  ],
  flows: Array.from({ length: 200 }, (_, index) => {
    const name = index < 20 ? `company-${index}.example` : `division-${index}.example.com`
    return index < 20
      ? flow(name, 'emea', 'mailbox', 'mailbox-host:emea', 400 + index)
      : flow(name, '', 'shared', `connector:site-${String(index % 50).padStart(2, '0')}`, index)
  }),
})
