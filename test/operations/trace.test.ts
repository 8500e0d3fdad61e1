/** The story of a message out of a journal, by every name that it goes by. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import type { MailEvent } from '../../plugins/mail/mail-event.js'
import { formatLine } from '../../plugins/operations/journal/journal-line.js'
import { findStories, mostStories } from '../../plugins/operations/trace/find-stories.js'
import { formatStory } from '../../plugins/operations/trace/format-story.js'
import { nextHostId } from '../../plugins/operations/trace/next-host-id.js'
import { peerStories } from '../../plugins/operations/trace/peer-stories.js'
import { storiesOf, transactionOf, type StoryEvent } from '../../plugins/operations/trace/story.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { tempDir } from '../harness/temp.js'

describe('the id at the next host', () => {
  for (const [host, reply, id] of [
    ['Postfix', '250 2.0.0 Ok: queued as 4X3Yz12abc', '4X3Yz12abc'],
    ['Postfix behind a filter', '250 2.0.0 Ok: queued as 9C1D2E3F4A', '9C1D2E3F4A'],
    [
      'Exchange',
      '250 2.6.0 <20260301.4711@client.example> [InternalId=37155813130241, Hostname=EX1.corp.example] 1538 bytes in 0.164, 9.130 KB/sec Queued mail for delivery',
      '37155813130241',
    ],
    ['Exim', '250 OK id=1tFabc-000000012Bc-3xYz', '1tFabc-000000012Bc-3xYz'],
    ['Exim, the short form', '250 OK id=1HrUxc-0001aB-2C', '1HrUxc-0001aB-2C'],
    ['Sendmail', '250 2.0.0 4AP1abcd012345 Message accepted for delivery', '4AP1abcd012345'],
    ['OpenSMTPD', '250 2.0.0: 0a1b2c3d Message accepted for delivery', '0a1b2c3d'],
    [
      'Google',
      '250 2.0.0 OK  1764113000 5b1f17b1804b1-47789d8f3easi12345.123 - gsmtp',
      '5b1f17b1804b1-47789d8f3easi12345.123',
    ],
    [
      'Haraka',
      '250 Message Queued (5A6B7C8D-1111-2222-3333-444455556666.1)',
      '5A6B7C8D-1111-2222-3333-444455556666.1',
    ],
    ['Dovecot', '250 2.0.0 <anna@corp.example> kLyzABCdEfGhIj== Saved', 'kLyzABCdEfGhIj=='],
    ['qmail', '250 ok 1764113000 qp 12345', '12345'],
    ['one that gives none', '250 2.0.0 taken', undefined],
    ['a refusal', '550 5.7.1 id=1tFabc-000000012Bc-3xYz is spam', undefined],
  ] as const) {
    it(host, () => assert.equal(nextHostId(reply), id))
  }
})

const uuid = (number: number): string =>
  `5A6B7C8D-1111-2222-3333-${String(number).padStart(12, '0')}.1`
const client = { ip: '192.0.2.7', host: 'mx.client.example', hello: 'mx.client.example' }

function received(number: number, messageId: string, sender = 'a@client.example'): MailEvent {
  return { kind: 'received', uuid: uuid(number), sender, messageId, client, size: 2048 }
}

function delivered(number: number, id: string): MailEvent {
  return {
    kind: 'delivered',
    uuid: `${uuid(number)}.1`,
    place: 'connector:unix',
    host: 'mail.unix.example[192.0.2.1]:25',
    recipient: 'lotte@remote.example',
    original: 'Lotte@example.com',
    reply: `250 2.0.0 Ok: queued as ${id}`,
  }
}

function write(
  folder: string,
  file: string,
  lines: readonly (readonly [string, MailEvent])[],
): void {
  const text = lines.map(([time, event]) => formatLine(event, Date.parse(time), 1)).join('')
  writeFileSync(join(folder, file), file.endsWith('.gz') ? gzipSync(text) : text)
}

describe('another gateway', () => {
  let server: Server
  let url: string
  let answer: { readonly status: number; readonly body: string }
  let asked: { readonly path: string | undefined; readonly token: string | undefined }

  before(async () => {
    server = createServer((request, response) => {
      asked = { path: request.url, token: request.headers.authorization }
      response.writeHead(answer.status).end(answer.body)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  it('tells its stories, each event with whose it is', async () => {
    const line = JSON.parse(formatLine(received(7, 'm7@client.example'), 0, 1)) as StoryEvent
    answer = { status: 200, body: JSON.stringify(storiesOf([line])) }
    const { events, failed } = await peerStories(url, 'm7@client.example', 'secret')
    assert.equal(failed, undefined)
    assert.deepEqual(events, [{ ...line, journal: url }])
    assert.deepEqual(asked, {
      path: '/trace.json?what=m7%40client.example',
      token: 'Bearer secret',
    })
  })

  for (const [name, status, body, expected] of [
    ['wants a token', 401, '', /it wants the token/u],
    ['has no journal', 400, 'there is no journal', /it said 400 there is no journal/u],
    ['talks nonsense', 200, 'hello', /JSON/u],
  ] as const) {
    it(name, async () => {
      answer = { status, body }
      assert.match((await peerStories(url, 'x', '')).failed ?? '', expected)
    })
  }

  it('is down', async () => {
    const port = await freePort('127.0.0.9')
    const { failed, events } = await peerStories(`http://127.0.0.9:${port}`, 'x', '')
    assert.match(failed ?? '', /ECONNREFUSED/u)
    assert.deepEqual(events, [])
  })
})

describe('trace', () => {
  let folder: string
  let other: string

  before(() => {
    folder = tempDir('journal')
    other = join(folder, 'other')
    mkdirSync(other)
    write(folder, '2026-03-01.ndjson.gz', [
      [
        '2026-03-01T23:59:58.000Z',
        {
          kind: 'decided',
          uuid: uuid(1),
          original: 'Lotte@example.com',
          decision: 'contact',
          recipient: 'lotte@remote.example',
          place: 'connector:unix',
          directory: 'corp',
          chain: ['Lotte@example.com', 'lotte@remote.example'],
          sender: 'a@client.example',
          client,
        },
      ],
      ['2026-03-01T23:59:59.000Z', received(1, 'm1@client.example')],
    ])
    write(folder, '2026-03-02.1.ndjson', [
      [
        '2026-03-02T00:00:00.000Z',
        {
          kind: 'queued',
          uuid: uuid(1),
          place: 'connector:unix',
          entry: '1_2_0_3_abc_4_gw',
          recipients: [{ recipient: 'lotte@remote.example', original: 'Lotte@example.com' }],
          reason: 'ECONNREFUSED\u001b[31m',
        },
      ],
      ['2026-03-02T00:01:00.000Z', delivered(1, '4X3Yz12abc')],
    ])
    write(folder, '2026-03-02.ndjson', [
      ['2026-03-02T10:00:00.000Z', received(2, 'm2@client.example', 'bob@client.example')],
      // the first message comes back
      ['2026-03-02T11:00:00.000Z', received(3, 'm1@client.example')],
      [
        '2026-03-02T11:00:00.000Z',
        {
          kind: 'loop',
          uuid: uuid(3),
          recipient: 'lotte@remote.example',
          original: 'lotte@remote.example',
          reply: '550 5.4.6 routing loop detected',
        },
      ],
    ])
    write(other, '2026-03-02.ndjson', [
      ['2026-03-02T10:30:00.000Z', received(9, 'm1@client.example')],
    ])
  })

  async function transactions(what: string, since?: string): Promise<string[]> {
    const { stories } = await findStories({
      what,
      folder,
      ...(since !== undefined && { since: Date.parse(since) }),
    })
    return stories.map(({ transaction }) => transaction)
  }

  for (const [name, what, numbers] of [
    ['Message-ID, with all transactions that had it', 'm1@client.example', [1, 3]],
    ['Message-ID in brackets', '<M1@client.example>', [1, 3]],
    ['transaction', uuid(2), [2]],
    ['connection', uuid(2).slice(0, -2), [2]],
    ['queue entry', `${uuid(1)}.1`, [1, 3]],
    ['the next host’s id', '4x3yz12abc', [1, 3]],
    ['sender', 'bob@client.example', [2]],
    ['the address that the client wrote', 'lotte@example.com', [1, 3]],
    ['the address that it was rewritten to', 'lotte@remote.example', [1, 3]],
    ['file of the queue', '1_2_0_3_abc_4_gw', [1, 3]],
    ['nothing that is known', 'nobody@example.com', []],
    ['a part of an address is not enough', 'client.example', []],
  ] as const) {
    it(name, async () => assert.deepEqual(await transactions(what), numbers.map(uuid)))
  }

  it('since: what nothing newer speaks of is left out; a story is told whole', async () => {
    assert.deepEqual(await transactions('bob@client.example', '2026-03-02T10:00:01Z'), [])
    const { stories } = await findStories({
      what: '4X3Yz12abc',
      folder,
      since: Date.parse('2026-03-02T00:00:30Z'),
    })
    assert.deepEqual(
      stories[0]?.events.map(({ kind }) => kind),
      ['decided', 'received', 'queued', 'delivered'],
    )
  })

  it('another gateway’s journal is joined by the Message-ID', async () => {
    const { stories } = await findStories({ what: uuid(1), folder, others: [other] })
    assert.deepEqual(
      stories.map(({ transaction, events }) => [transaction, events[0]?.journal]),
      [
        [uuid(1), undefined],
        [uuid(9), other],
        [uuid(3), undefined],
      ],
    )
  })

  it('tells it to people, and what is in the queue; no control characters', async () => {
    const { stories } = await findStories({ what: uuid(1), folder })
    const plain = { bold: (text: string) => text, dim: (text: string) => text }
    const now = Date.parse('2026-03-02T00:02:00Z')
    const recipients = [{ recipient: 'max@remote.example', original: 'max@remote.example' }]
    const queued = [
      { name: 'x', place: 'connector:unix', recipients, kept: false, nextTry: now + 40_000 },
    ]
    const [story] = stories
    assert(story)
    assert.equal(
      formatStory(story, queued, now, plain),
      `<m1@client.example> from <a@client.example>
  client 192.0.2.7 (mx.client.example), transaction ${uuid(1)}
  2026-03-01 (UTC)
  23:59:58.000  decided     <Lotte@example.com> → <lotte@remote.example>: contact → connector:unix, directory corp
  23:59:59.000  received    2048 octets
  2026-03-02 (UTC)
  00:00:00.000  queued      <lotte@remote.example> (written as <Lotte@example.com>) for connector:unix: ECONNREFUSED?[31m
  00:01:00.000  delivered   <lotte@remote.example> (written as <Lotte@example.com>) to mail.unix.example[192.0.2.1]:25 (there: 4X3Yz12abc): 250 2.0.0 Ok: queued as 4X3Yz12abc
  now           in the queue for connector:unix, next try in 40 s: <max@remote.example>
`,
    )
  })

  it('an address with thousands of messages: the newest, and it says so', async () => {
    const many = tempDir('journal')
    write(
      many,
      '2026-03-02.ndjson',
      Array.from({ length: 300 }, (_, number) => [
        new Date(Date.parse('2026-03-02T00:00:00Z') + number * 1000).toISOString(),
        received(number, `x${number}@client.example`),
      ]),
    )
    const { stories, more } = await findStories({ what: 'a@client.example', folder: many })
    assert.deepEqual([stories.length, more], [mostStories, true])
    assert.equal(stories.at(-1)?.transaction, uuid(299))
  })

  it('ids of transactions', () => {
    assert.equal(transactionOf(`${uuid(4)}.2.1`), uuid(4))
    assert.equal(transactionOf('something else'), 'something else')
  })
})
