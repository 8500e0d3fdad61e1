import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Address } from '@haraka/email-address'

import {
  keepRecipients,
  prepareEntries,
  type EntrySpec,
} from '../../../plugins/delivery/queue/queue-entry.js'
import { entryMessage, forget } from '../../../plugins/delivery/queue/entry-message.js'
import type { HarakaOutbound, QueueItem } from '../../../plugins/haraka/outbound.js'
import { tempDir } from '../../harness/temp.js'

describe('entries of the queue', () => {
  let folder: string
  let pushed: string[]
  let waiting: number[]
  let outbound: HarakaOutbound

  beforeEach(() => {
    folder = join(tempDir('queue'), 'queue')
    mkdirSync(folder)
    pushed = []
    waiting = []
    let count = 0
    outbound = {
      HMailItem: class {
        path: string
        constructor(_name: string, path: string) {
          this.path = path
        }
      } as unknown as HarakaOutbound['HMailItem'],
      qfile: {
        name: ({ next_attempt: next = 1, attempts = 0 } = {}) =>
          `1_${next}_${attempts}_1_x_${++count}_host`,
        parts: () => null,
        platformDOT: '__tmp__.',
      },
      delivery_queue: { push: ({ path }) => void pushed.push(path) },
      temp_fail_queue: {
        queue: [],
        fire: () => undefined,
        add: (_, milliseconds) => void waiting.push(milliseconds),
      },
      stats: () => ({ queue_dir: folder }),
    }
  })

  async function* chunks(...texts: (string | Error)[]): AsyncGenerator<Buffer> {
    for (const text of texts) {
      if (text instanceof Error) throw text
      yield await Promise.resolve(Buffer.from(text))
    }
  }
  const good = { octets: () => chunks('Subject: x\r\n', '\r\n..dot\r\n') }
  const broken = { octets: () => chunks('Subject: x\r\n', new Error('no more')) }
  const spec = (message: EntrySpec['message'], more: Partial<EntrySpec> = {}): EntrySpec => ({
    uuid: 'U.1',
    domain: 'b.example',
    mailFrom: new Address('<a@a.example>'),
    recipients: [new Address('<b@b.example>'), new Address('<c@b.example>')],
    since: 1000,
    notes: { address_space: { version: 1 } },
    message,
    ...more,
  })
  const read = (name: string): { todo: Record<string, unknown>; message: string } => {
    const content = readFileSync(join(folder, name))
    const end = 4 + content.readUInt32BE(0)
    const todo = JSON.parse(content.toString('utf8', 4, end)) as Record<string, unknown>
    return { todo, message: content.toString('utf8', end) }
  }

  it('are not seen before they are committed, then all at once', async () => {
    const entries = await prepareEntries(outbound, [spec(good), spec(good)])
    assert.ok(readdirSync(folder).every((name) => name.startsWith('__tmp__.')))
    assert.deepEqual(pushed, [])
    await entries.commit()
    const names = readdirSync(folder).sort()
    assert.equal(names.length, 2)
    assert.deepEqual(new Set(pushed), new Set(names.map((name) => join(folder, name))))
    const { todo, message } = read(names[0] ?? '')
    assert.equal(message, 'Subject: x\r\n\r\n..dot\r\n')
    assert.deepEqual(todo['notes'], { address_space: { version: 1 } })
    assert.deepEqual(Object.keys(todo), [
      'queue_time',
      'domain',
      'rcpt_to',
      'mail_from',
      'notes',
      'uuid',
      'force_tls',
    ])
  })

  it('a message that cannot be read whole leaves nothing behind', async () => {
    await assert.rejects(prepareEntries(outbound, [spec(good), spec(broken)]), /no more/u)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('aborted, they leave nothing behind', async () => {
    const entries = await prepareEntries(outbound, [spec(good), spec(good)])
    await entries.abort()
    assert.deepEqual(readdirSync(folder), [])
  })

  it('a commit that fails in the middle takes back what it did', async () => {
    const entries = await prepareEntries(outbound, [spec(good), spec(good), spec(good)])
    const [, second = ''] = readdirSync(folder).sort()
    rmSync(join(folder, second))
    await assert.rejects(entries.commit(), /ENOENT/u)
    assert.deepEqual(readdirSync(folder), [])
    assert.deepEqual(pushed, [])
  })

  it('a kept copy has a name that Haraka skips, and is not delivered', async () => {
    await (await prepareEntries(outbound, [spec(good, { keep: true })])).commit()
    const [name = ''] = readdirSync(folder)
    assert.match(name, /^error\./u)
    assert.deepEqual(pushed, [])
  })

  it('one that is not to be tried at once waits, and says so in its name', async () => {
    const later = { attempts: 1, milliseconds: 60_000 }
    await (await prepareEntries(outbound, [spec(good, { later })])).commit()
    const [name = ''] = readdirSync(folder)
    const [, next, attempts] = name.split('_')
    assert.ok(Math.abs(Number(next) - Date.now() - 60_000) < 10_000)
    assert.equal(attempts, '1')
    assert.deepEqual([pushed, waiting], [[], [60_000]])
    assert.equal(read(name).todo['queue_time'], 1000)
  })

  it('recipients are taken out in one step', async () => {
    await (await prepareEntries(outbound, [spec(good)])).commit()
    const [name = ''] = readdirSync(folder)
    const path = join(folder, name)
    const { todo } = read(name)
    const size = readFileSync(path).length
    const item = {
      path,
      todo: { ...todo, rcpt_to: [new Address('<b@b.example>'), new Address('<c@b.example>')] },
      data_start: 4 + readFileSync(path).readUInt32BE(0),
      file_size: size,
    } as unknown as QueueItem
    const message = entryMessage(item, { eightBit: false, utf8: false })
    await keepRecipients(outbound, item, [new Address('<c@b.example>')], message)
    assert.deepEqual(readdirSync(folder), [name])
    const after = read(name)
    assert.equal(after.message, 'Subject: x\r\n\r\n..dot\r\n')
    assert.deepEqual(
      (after.todo['rcpt_to'] as { user: string }[]).map(({ user }) => user),
      ['c'],
    )
    assert.equal(item.file_size, readFileSync(path).length)
    assert.equal(item.data_start, 4 + readFileSync(path).readUInt32BE(0))
  })

  for (const sizes of [
    [],
    [1],
    [40_000, 20_000],
    [40_000, 40_000, 40_000],
    [65_536],
    [70_000, 5],
  ]) {
    it(`the message is whole, in chunks of ${sizes.join(', ') || 'nothing'}`, async () => {
      const texts = sizes.map((size, at) => String(at).repeat(size))
      const message = { octets: () => chunks(...texts) }
      await (await prepareEntries(outbound, [spec(message), spec(message)])).commit()
      const names = readdirSync(folder)
      assert.equal(names.length, 2)
      for (const name of names) assert.equal(read(name).message, texts.join(''))
    })
  }

  it('a small message is in memory until its first attempt is over', async () => {
    await (await prepareEntries(outbound, [spec(good)])).commit()
    const [path = ''] = pushed
    writeFileSync(path, 'from the file')
    const item = { path, data_start: 0, file_size: 13 } as unknown as QueueItem
    const contents = async (): Promise<string> => {
      let text = ''
      const message = entryMessage(item, { eightBit: false, utf8: false })
      for await (const chunk of message.octets()) text += chunk.toString()
      return text
    }
    assert.equal(await contents(), 'Subject: x\r\n\r\n..dot\r\n')
    forget(path)
    assert.equal(await contents(), 'from the file')
  })

  it('only their owner can read them', async () => {
    await (await prepareEntries(outbound, [spec(good)])).commit()
    const [name = ''] = readdirSync(folder)
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0)
  })
})
