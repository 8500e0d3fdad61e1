/** The journal's writer: batches, several processes, and every way in which a disk refuses. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Log } from '../../plugins/config/environment.js'
import type { MailEvent } from '../../plugins/mail/mail-event.js'
import { readJournal } from '../../plugins/operations/journal/journal-reader.js'
import { JournalWriter } from '../../plugins/operations/journal/journal-writer.js'
import { tempDir } from '../harness/temp.js'

function kept(uuid: string, reason = 'because'): MailEvent {
  return { kind: 'kept', uuid, entry: 'error.1', reason }
}

function logTo(lines: string[]): Log {
  const add = (message: string): void => {
    lines.push(message)
  }
  return { debug: add, info: add, notice: add, warn: add, error: add, crit: add }
}

async function uuids(folder: string): Promise<string[]> {
  const found: string[] = []
  for await (const line of readJournal(folder)) if (line.kind === 'kept') found.push(line.uuid)
  return found
}

describe('the writer of the journal', () => {
  it('writes one JSON object a line, the time first, in a file a day', async () => {
    const folder = join(tempDir('journal'), 'journal')
    let now = Date.parse('2026-03-01T23:59:59.500Z')
    const writer = new JournalWriter({ folder, log: logTo([]), now: () => now })
    writer.add(kept('A.1', 'a line\nof its own?\u2028'))
    await writer.flush()
    now += 1000
    writer.add(kept('A.2'))
    await writer.close()
    assert.deepEqual(readdirSync(folder).sort(), ['2026-03-01.ndjson', '2026-03-02.ndjson'])
    const text = readFileSync(join(folder, '2026-03-01.ndjson'), 'utf8')
    assert.equal(
      text,
      `{"time":"2026-03-01T23:59:59.500Z","kind":"kept","uuid":"A.1","entry":"error.1","reason":"a line\\nof its own?\\u2028","process":${process.pid}}\n`,
    )
    assert.deepEqual(await uuids(folder), ['A.1', 'A.2'])
  })

  it('makes a folder again that was removed, and loses nothing for it', async () => {
    const folder = join(tempDir('journal'), 'journal')
    const writer = new JournalWriter({ folder, log: logTo([]) })
    writer.add(kept('A.1'))
    await writer.flush()
    rmSync(folder, { recursive: true })
    writer.add(kept('A.2'))
    await writer.close()
    assert.deepEqual(await uuids(folder), ['A.2'])
    assert.equal(writer.dropped, 0)
  })

  it('drops and counts what cannot be written, tells it once, and tells the gap', async () => {
    const parent = tempDir('journal')
    const folder = join(parent, 'journal')
    writeFileSync(folder, 'a file stands in the way')
    const log: string[] = []
    const writer = new JournalWriter({ folder, log: logTo(log) })
    writer.add(kept('A.1'))
    await writer.flush()
    writer.add(kept('A.2'))
    await writer.flush()
    assert.equal(writer.dropped, 2)
    assert.equal(log.filter((line) => line.includes('mail goes on')).length, 1)
    rmSync(folder)
    writer.add(kept('A.3'))
    await writer.flush()
    const lines = []
    for await (const line of readJournal(folder)) lines.push(line)
    assert.deepEqual(
      lines.map((line) => (line.kind === 'gap' ? `gap ${line.dropped}` : line.kind)),
      ['gap 2', 'kept'],
    )
    assert.match(log.at(-1) ?? '', /is written again/u)
    await writer.close()
  })

  it('a full disk: lines are dropped, those after it are whole', async function () {
    if (process.getuid?.() !== 0) return
    const folder = join(tempDir('journal'), 'full')
    mkdirSync(folder)
    const run = promisify(execFile)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).catch(() => undefined)
    try {
      const writer = new JournalWriter({ folder, log: logTo([]) })
      for (let number = 0; number < 200; number++) writer.add(kept(`A.${number}`, 'x'.repeat(900)))
      await writer.flush()
      if (writer.dropped === 0) return // no tmpfs here
      const whole = await uuids(folder)
      assert.equal(whole.length + writer.dropped, 200)
      for (const name of readdirSync(folder)) {
        const text = readFileSync(join(folder, name), 'utf8')
        writeFileSync(join(folder, name), text.slice(-500))
      }
      writer.add(kept('B.1'))
      await writer.flush()
      assert.equal((await uuids(folder)).at(-1), 'B.1')
      await writer.close()
    } finally {
      await run('umount', [folder]).catch(() => undefined)
    }
  })

  it('keeps what waits within bounds while the disk takes nothing', () => {
    const writer = new JournalWriter({ folder: join(tempDir('journal'), 'j'), log: logTo([]) })
    for (let number = 0; number < 20_000; number++) writer.add(kept(`A.${number}`, 'x'.repeat(900)))
    assert.ok(writer.dropped > 10_000, `dropped ${writer.dropped}`)
    return writer.close()
  })

  it('several processes write side by side, and no line is torn', async () => {
    const folder = join(tempDir('journal'), 'journal')
    const module = join(__dirname, '../../plugins/operations/journal/journal-writer.ts')
    const script = `
      const { JournalWriter } = require(${JSON.stringify(module)})
      const quiet = () => undefined
      const log = { debug: quiet, info: quiet, notice: quiet, warn: quiet, error: quiet, crit: quiet }
      const writer = new JournalWriter({ folder: ${JSON.stringify(folder)}, log })
      process.on('exit', () => writer.closeNow())
      let number = 0
      const timer = setInterval(() => {
        for (let i = 0; i < 50; i++) {
          writer.add({ kind: 'kept', uuid: process.pid + '.' + number++, entry: 'e', reason: 'y'.repeat(300) })
        }
        if (number >= 1500) { clearInterval(timer); process.exit(0) }
      }, 2)`
    const node = [process.execPath, '--require', 'tsx/cjs', '-e', script] as const
    await Promise.all(
      [1, 2, 3].map(() => promisify(execFile)(node[0], node.slice(1), { cwd: process.cwd() })),
    )
    const found = await uuids(folder)
    assert.equal(found.length, 4500)
    assert.equal(new Set(found).size, 4500)
    for (const name of readdirSync(folder)) {
      for (const line of readFileSync(join(folder, name), 'utf8').trim().split('\n')) {
        assert.doesNotThrow(() => JSON.parse(line), line)
      }
    }
    assert.ok(existsSync(folder))
  }).timeout(60_000)
})
