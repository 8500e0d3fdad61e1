/** The queue read from its folder, and the rows made of it. */
import assert from 'node:assert/strict'
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Pause, PlaceState } from '../../plugins/delivery/state.js'
import { QueueReader } from '../../plugins/operations/queue/queue-reader.js'
import {
  queueRows,
  withoutSmallDomains,
  type QueueRow,
} from '../../plugins/operations/queue/queue-rows.js'
import { stateText } from '../../plugins/operations/queue/row-state.js'
import { tempDir } from '../harness/temp.js'
import { writeEntry } from './queue-folder.js'

const unix = { kind: 'connector', connector: 'unix' }
const minute = 60_000

for (const alone of [false, true]) {
  describe(`the queue folder, read by ${alone ? 'a command' : 'the gateway'}`, () => {
    it('gives place, sender, recipients and their originals, never the body', async () => {
      const folder = tempDir('queue')
      writeEntry(folder, {
        uuid: 'A.1.1',
        place: unix,
        recipients: ['lotte@remote.example', 'Bob@unix.example'],
        originals: { 'lotte@remote.example': 'lotte@example.com' },
        since: 1000,
        next: 5000.25,
        attempts: 3,
        host: 'gate\\137way',
      })
      writeEntry(folder, { uuid: 'B.1.1', place: { kind: 'undecided' }, sender: '', since: 2000 })
      writeEntry(folder, { uuid: 'C.1.1', recipients: ['x@foreign.example'], since: 3000 })
      writeEntry(folder, { uuid: 'D.1.1', kept: true, since: 4000 })
      writeFileSync(join(folder, '__tmp__.1_1_0_1_abc_1_gateway'), 'half')
      writeFileSync(join(folder, 'README'), 'not an entry')
      const entries = await new QueueReader(folder, { alone }).entries()
      assert.deepEqual(
        entries.map(({ uuid, place, kept, sender, attempts, host }) => [
          uuid,
          place,
          kept,
          sender,
          attempts,
          host,
        ]),
        [
          ['A.1.1', 'connector:unix', false, 'from@client.example', 3, 'gate_way'],
          ['B.1.1', 'report', false, '', 0, 'gateway'],
          ['C.1.1', 'outbound:foreign.example', false, 'from@client.example', 0, 'gateway'],
          ['D.1.1', 'outbound:unix.example', true, 'from@client.example', 0, 'gateway'],
        ],
      )
      assert.equal(entries[0]?.nextAttempt, 5000)
      assert.deepEqual(entries[0]?.recipients[0], {
        recipient: 'lotte@remote.example',
        original: 'lotte@example.com',
      })
    })

    it('shows what it cannot read, and why', async () => {
      const folder = tempDir('queue')
      writeFileSync(join(folder, '1000_1000_0_1_abcdef_1_gateway'), Buffer.from([0, 0, 1, 0, 0x7b]))
      writeFileSync(join(folder, '1001_1000_0_1_abcdef_2_gateway'), '')
      const entries = await new QueueReader(folder, { alone }).entries()
      assert.match(entries[0]?.unreadable ?? '', /cut off/u)
      assert.match(entries[1]?.unreadable ?? '', /too short/u)
    })

    it('entries that are renamed while it reads are found once', async () => {
      const folder = tempDir('queue')
      const names = Array.from({ length: 400 }, (_, n) => writeEntry(folder, { uuid: `A.${n}` }))
      const reader = new QueueReader(folder, { alone })
      const reading = reader.entries((done) => {
        if (done !== 50) return
        for (const name of names.slice(0, 100)) {
          renameSync(join(folder, name), join(folder, name.replace('_0_1_', '_1_1_')))
        }
        for (const name of names.slice(100, 120)) rmSync(join(folder, name))
      })
      const uuids = (await reading).map(({ uuid }) => uuid)
      assert.equal(uuids.length, 380)
      assert.equal(new Set(uuids).size, 380)
    })

    it('a head of many recipients is read whole', async () => {
      const folder = tempDir('queue')
      const recipients = Array.from({ length: 900 }, (_, n) => `recipient-${n}@unix.example`)
      writeEntry(folder, { uuid: 'A.1.1', place: unix, recipients })
      const [entry] = await new QueueReader(folder, { alone }).entries()
      assert.equal(entry?.recipients.length, 900)
    })

    it('10,000 entries, with progress', async function () {
      this.timeout(60_000)
      const folder = tempDir('queue')
      for (let number = 0; number < 10_000; number++) {
        writeEntry(folder, {
          uuid: `A.${number}`,
          place: { kind: 'connector', connector: `c${number % 3}` },
        })
      }
      const reader = new QueueReader(folder, { alone })
      const seen: number[] = []
      const started = performance.now()
      assert.equal((await reader.entries((done) => seen.push(done))).length, 10_000)
      const first = performance.now() - started
      // less than two seconds on a machine of its own
      assert.ok(first < 20_000, `took ${first.toFixed(0)} ms`)
      assert.equal(seen.at(-1), 10_000)
      assert.equal(readdirSync(folder).length, 10_000)
    })
  })
}

describe('the rows of the queue', () => {
  const now = 100 * 86_400_000
  const well: PlaceState = {
    place: 'connector:unix',
    hosts: [{ host: 'a', condition: 'well', reason: '', busy: 1, idle: 0, limit: 5 }],
    underWay: 1,
    waiting: 0,
    lastReply: '450 4.2.1 later',
  }
  const aloneUntil = (until: number): PlaceState => ({
    ...well,
    hosts: [{ ...well.hosts[0]!, condition: 'left-alone', reason: 'ECONNREFUSED', until }],
  })
  const full: PlaceState = { ...well, hosts: [{ ...well.hosts[0]!, condition: 'full', limit: 6 }] }

  function held(pause: { until?: number }): Map<string, Pause> {
    return new Map([['connector:unix', { reason: 'move', ...pause }]])
  }

  async function rows(facts: Partial<Parameters<typeof queueRows>[0]>): Promise<QueueRow[]> {
    const folder = tempDir('queue')
    const at = (age: number): number => now - age
    writeEntry(folder, { uuid: 'A.1', place: unix, since: at(minute), next: now + 5000 })
    const second = writeEntry(folder, {
      uuid: 'A.2',
      place: unix,
      since: at(3 * 86_400_000),
      next: now + 9000,
      recipients: ['a@unix.example', 'b@unix.example'],
    })
    writeEntry(folder, { uuid: 'A.3', kept: true, since: at(30 * minute) })
    const entries = await new QueueReader(folder).entries()
    const due = new Map([[second, now + 2000]])
    return queueRows({ entries, due, paused: new Map(), now, ...facts })
  }

  it('count messages, recipients and ages; kept ones stand last', async () => {
    const [first, kept] = await rows({ states: [well] })
    assert.deepEqual(
      [first?.place, first?.messages, first?.recipients, first?.oldest, first?.nextTry],
      ['connector:unix', 2, 3, now - 3 * 86_400_000, now + 2000],
    )
    assert.deepEqual(first?.ages, [1, 0, 0, 0, 0, 0, 1])
    assert.equal(first?.lastReply, '450 4.2.1 later')
    assert.deepEqual([kept?.place, kept?.messages, kept?.ages[2]], ['kept', 1, 1])
    assert.equal(kept?.nextTry, undefined)
  })

  for (const [name, states, text] of [
    ['a host that is well', [well], 'ok'],
    ['the only host is left alone', [aloneUntil(now + 40_000)], 'left alone for 40 s'],
    ['full in two processes', [full, full], 'full (12)'],
    ['full in one, well in another', [full, well], 'ok'],
    ['left alone in one process only', [aloneUntil(now + 1), well], 'ok'],
    ['no gateway', undefined, 'no gateway runs'],
  ] as const) {
    it(name, async () => {
      const [row] = await rows(states ? { states } : {})
      assert.equal(row && stateText(row.state, now), text)
    })
  }

  // the second entry is due by its process in 2 s, the first by its file in 5 s
  for (const [name, facts, next] of [
    ['its process says when', { states: [well] }, now + 2000],
    ['no gateway: the files say', { due: new Map() }, now + 5000],
    ['a pause without an end', { states: [well], paused: held({}) }, undefined],
    ['a pause with one', { states: [well], paused: held({ until: now + 9e6 }) }, now + 9e6],
    ['nothing before its hosts are tried', { states: [aloneUntil(now + 7000)] }, now + 7000],
    ['hosts are tried before that', { states: [aloneUntil(now + 1000)] }, now + 2000],
    [
      'an entry that waits for its host goes with it',
      { states: [aloneUntil(now + 1000)], parked: 'all' },
      now + 1000,
    ],
    ['for a session: with the next one', { states: [full], parked: 'all' }, now],
  ] as const) {
    it(`next try: ${name}`, async () => {
      const parked = 'parked' in facts ? { parked: { has: () => true } as never } : {}
      const [row] = await rows({ ...facts, ...parked } as never)
      assert.equal(row?.nextTry, next)
    })
  }

  it('a pause stands above all, also with nothing waiting', async () => {
    const paused = new Map([
      ['connector:unix', { reason: 'move', until: now + 7_200_000 }],
      ['mailbox-host:corp', { reason: 'patches' }],
    ])
    const texts = (await rows({ states: [well], paused })).map(({ place, state }) => [
      place,
      stateText(state, now),
    ])
    assert.deepEqual(texts, [
      ['connector:unix', 'paused: move, for 2 h more'],
      ['mailbox-host:corp', 'paused: patches'],
      ['kept', 'kept: nobody could be told'],
    ])
  })

  it('domains by MX: the largest one by one, the others together, none lost', async () => {
    const folder = tempDir('queue')
    for (let domain = 0; domain < 60; domain++) {
      for (let number = 0; number <= domain % 7; number++) {
        const place = { kind: 'outbound', domain: `d${domain}.example` }
        writeEntry(folder, { uuid: `A.${domain}.${number}`, place, since: now - minute })
      }
    }
    writeEntry(folder, { uuid: 'B.1', place: unix })
    const entries = await new QueueReader(folder).entries()
    const paused = new Map([['outbound:d0.example', { reason: 'their move' }]])
    const all = queueRows({ entries, paused, now })
    const shown = withoutSmallDomains(all, 10)
    const sum = (some: readonly QueueRow[]): number =>
      some.reduce((total, { messages }) => total + messages, 0)
    assert.equal(sum(shown), entries.length)
    assert.equal(all.length, 61)
    // unix, the one that is paused, ten, the rest
    assert.equal(shown.length, 13)
    assert.ok(shown.some(({ place }) => place === 'outbound:d0.example'))
    const rest = shown.at(-1)
    assert.equal(rest?.place, 'outbound: 49 more domains')
    assert.deepEqual(withoutSmallDomains(all), [...withoutSmallDomains(all, 50)])
  })
})
