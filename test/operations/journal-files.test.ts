/** What the journal keeps and for how long, and how it is read back. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { pruneJournal } from '../../plugins/operations/journal/journal-files.js'
import { JournalKeeper } from '../../plugins/operations/journal/journal-keeper.js'
import { readJournal } from '../../plugins/operations/journal/journal-reader.js'
import { tempDir } from '../harness/temp.js'

const day = 86_400_000
const now = Date.parse('2026-03-31T12:00:00Z')
const gigabyte = 1024 ** 3

function folderOf(sizes: Readonly<Record<string, number>>): string {
  const folder = tempDir('journal')
  for (const [name, size] of Object.entries(sizes)) {
    writeFileSync(join(folder, name), 'x'.repeat(size))
  }
  return folder
}

const quiet = (): void => undefined
const log = { debug: quiet, info: quiet, notice: quiet, warn: quiet, error: quiet, crit: quiet }

describe('the files of the journal', () => {
  it('go when they are too old; other files stay', async () => {
    const folder = folderOf({
      '2026-02-28.ndjson': 1,
      '2026-03-01.ndjson.gz': 1,
      '2026-03-30.ndjson': 1,
      'notes.txt': 1,
      '2020-01-01.txt': 1,
    })
    const removed = await pruneJournal(folder, { keep: 30 * day, maxSize: gigabyte }, now)
    assert.deepEqual(removed, ['2026-02-28.ndjson'])
    assert.equal(readdirSync(folder).length, 4)
  })

  it('go when they are too much, the oldest first, parts of a day in order', async () => {
    const folder = folderOf({
      '2026-03-29.ndjson': 400,
      '2026-03-30.1.ndjson': 400,
      '2026-03-30.2.ndjson': 400,
      '2026-03-30.10.ndjson': 400,
      '2026-03-31.ndjson': 200,
    })
    const removed = await pruneJournal(folder, { keep: 30 * day, maxSize: 1000 }, now)
    assert.deepEqual(removed, ['2026-03-29.ndjson', '2026-03-30.1.ndjson'])
  })

  it('a day that grows large has parts, so that there is something to remove', async () => {
    const folder = folderOf({ '2026-03-31.1.ndjson': 300, '2026-03-31.ndjson': 300 })
    await pruneJournal(folder, { keep: 30 * day, maxSize: 1000 }, now)
    assert.deepEqual(readdirSync(folder), ['2026-03-31.1.ndjson', '2026-03-31.2.ndjson'])
  })

  it('a clock that jumps removes nothing', async () => {
    const folder = folderOf({ '2026-03-20.ndjson': 1, '2026-03-31.ndjson': 1 })
    let [wall, elapsed] = [now, 0]
    const settings = { keep: 30 * day, maxSize: gigabyte }
    const clocks = { now: () => wall, elapsed: () => elapsed }
    const keeper = new JournalKeeper(folder, () => settings, log, clocks)
    wall += 5 * 365 * day
    elapsed += 700_000
    await keeper.look()
    assert.equal(readdirSync(folder).length, 2)
    wall += 700_000 - 5 * 365 * day
    elapsed += 700_000
    await keeper.look()
    wall += 700_000
    elapsed += 700_000
    await keeper.look()
    assert.equal(readdirSync(folder).length, 2)
    wall += 25 * day
    elapsed += 25 * day
    await keeper.look()
    assert.deepEqual(readdirSync(folder), ['2026-03-31.ndjson'])
  })

  it('are read in order, packed or not, torn lines passed over, double ones taken once', async () => {
    const folder = tempDir('journal')
    const line = (time: string, uuid: string): string =>
      `{"time":"${time}","kind":"kept","uuid":"${uuid}","entry":"e","reason":"ünïcode","process":1}\n`
    const first = line('2026-03-29T10:00:00.000Z', 'A')
    writeFileSync(join(folder, '2026-03-29.ndjson.gz'), gzipSync(first + first))
    writeFileSync(
      join(folder, '2026-03-30.1.ndjson'),
      `${line('2026-03-30T09:00:00.000Z', 'B')}{"time":"2026-03-30T09:`,
    )
    writeFileSync(
      join(folder, '2026-03-30.ndjson'),
      `\n${line('2026-03-30T10:00:00.000Z', 'C')}not json\n{"kind":"x"}\n${line('2026-03-30T11:00:00.000Z', 'D').trim()}`,
    )
    const read = async (since?: string, holding?: string[]): Promise<string[]> => {
      const found: string[] = []
      const options = {
        ...(since !== undefined && { since: Date.parse(since) }),
        ...(holding && { holding }),
      }
      for await (const one of readJournal(folder, options)) if ('uuid' in one) found.push(one.uuid)
      return found
    }
    assert.deepEqual(await read(), ['A', 'B', 'C', 'D'])
    assert.deepEqual(await read('2026-03-30T10:30:00Z'), ['D'])
    assert.deepEqual(await read(undefined, ['"uuid":"c"']), ['C'])
    assert.ok(readFileSync(join(folder, '2026-03-30.ndjson')).length > 0)
  })
})
