import assert from 'node:assert/strict'

import type { StatusView } from '../../plugins/status/view.js'
import { directory, host, now, place, view } from './sample-view.js'

const minute = 60_000
const gone = host('[192.0.2.1]:25', { condition: 'left-alone', reason: 'timed out' })

function told(more: Partial<Omit<StatusView, 'problems'>>): string[] {
  return view(more).problems.map(({ kind, where, what }) => `${kind} ${where}: ${what}`)
}

function waiting(age: number) {
  return { messages: 3, recipients: 3, oldest: now - age }
}

describe('the problems of a gateway', () => {
  const cases: [string, Partial<Omit<StatusView, 'problems'>>, string[]][] = [
    ['nothing is wrong', { places: [place('connector:unix', { hosts: [host('h')] })] }, []],
    [
      'no host of a place',
      { places: [place('connector:unix', { hosts: [gone] })] },
      ['wrong connector unix: no host can be reached. [192.0.2.1]:25: timed out'],
    ],
    [
      'one host of two',
      { places: [place('connector:unix', { hosts: [gone, host('h')] })] },
      ['note connector unix: some hosts are left alone. [192.0.2.1]:25: timed out'],
    ],
    [
      'paused, and its mail is old: that is meant',
      {
        places: [
          place('mailbox-host:corp', {
            paused: { reason: 'move' },
            waiting: waiting(600 * minute),
          }),
        ],
      },
      ['note mailboxes of corp: paused: move'],
    ],
    [
      'full, and nothing waits',
      {
        places: [place('connector:unix', { hosts: [host('h', { condition: 'full', limit: 5 })] })],
      },
      [],
    ],
    [
      'full, and mail waits',
      {
        places: [
          place('connector:unix', {
            hosts: [host('h', { condition: 'full', limit: 5 })],
            waiting: waiting(minute),
          }),
        ],
      },
      ['note connector unix: h takes 5 sessions and no more'],
    ],
    [
      'mail that waits for ten minutes',
      { places: [place('connector:unix', { waiting: waiting(10 * minute) })] },
      [],
    ],
    [
      'for an hour',
      { places: [place('connector:unix', { waiting: waiting(60 * minute) })] },
      ['note connector unix: the oldest message has waited for 1 h'],
    ],
    [
      'for longer than its sender is left without a word',
      { places: [place('connector:unix', { waiting: waiting(241 * minute) })] },
      ['wrong connector unix: the oldest message has waited for 4 h 1 min'],
    ],
    [
      'a directory that cannot answer, and one whose file is kept out',
      {
        directories: [
          directory('corp', { condition: 'attention', trouble: 'shrunk' }),
          directory('asia', { condition: 'trouble', trouble: 'timed out' }),
        ],
      },
      ['wrong directory asia: timed out', 'note directory corp: shrunk'],
    ],
    [
      'a configuration that could not be taken',
      { configuration: { since: now, failed: { at: now, errors: ['x.ini a: expected b'] } } },
      ['wrong configuration: x.ini a: expected b'],
    ],
    [
      'a process that does not answer',
      { processes: { expected: 2, answering: 1, started: now } },
      ['wrong Haraka: 1 of 2 processes answer'],
    ],
    [
      'a disk below the floor',
      { disk: { folder: '/q', free: 1024 ** 2, size: 1024 ** 4, floor: 1024 ** 3 } },
      ['wrong /q: 1.0 MB of 1.0 TB are free'],
    ],
    [
      'a disk near the floor',
      { disk: { folder: '/q', free: 1.5 * 1024 ** 3, size: 1024 ** 4, floor: 1024 ** 3 } },
      ['note /q: 1.5 GB of 1.0 TB are free'],
    ],
    [
      'certificates',
      {
        certificates: [
          { where: 'good', notAfter: now + 15 * 1440 * minute },
          { where: 'soon', notAfter: now + 10 * 1440 * minute },
          { where: 'over', notAfter: now - minute },
        ],
      },
      ['wrong over: the certificate has ended', 'note soon: the certificate ends in 10 d'],
    ],
    [
      'drained, lines lost, mail kept',
      { draining: { since: now - 5 * minute }, journal: { on: true, dropped: 1 }, kept: 2 },
      [
        'note queue: 2 messages could go to nobody',
        'note journal: 1 line could not be written',
        'note this gateway: drained since 5 min',
      ],
    ],
  ]
  for (const [title, facts, expected] of cases) {
    it(title, () => assert.deepEqual(told(facts), expected))
  }

  it('say why each matters and what to do', () => {
    for (const [, facts] of cases) {
      for (const { why, todo } of view(facts).problems) assert.ok(why && todo)
    }
  })
})
