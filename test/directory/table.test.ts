/** Every sample of test/fixtures/directories, read as a directory: what is found, what is not, what is told. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parseMailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig, type FileSettings } from '../../plugins/directory/config.js'
import { openDirectories } from '../../plugins/directory/open.js'
import { rowReaders } from '../../plugins/directory/row-readers.js'
import { toEntry } from '../../plugins/directory/entry.js'
import { readTable } from '../../plugins/directory/table/read-table.js'
import { temporaryFolder } from '../../scripts/servers/process.js'
import { testEnvironment } from './environment.js'

const folder = join(__dirname, '..', 'fixtures', 'directories')

interface Expected {
  /** address → `mailbox`, `to TARGET`, `on HOST` */
  readonly found: Readonly<Record<string, string>>
  readonly none: readonly string[]
  /** lines that are told as faulty */
  readonly faults: readonly number[]
}

const samples = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
  string,
  Expected
>

/** The lines of rows and values that cannot be read. */
async function faultyLines(name: string, text: string): Promise<number[]> {
  const [settings] = parseDirectoryConfig(['[x]', `url = file:${name}`])
    .directories as FileSettings[]
  assert(settings)
  const lines: number[] = []
  for await (const rows of rowReaders[settings.format](text.match(/.{1,7}/gsu) ?? [])) {
    for (const row of rows) {
      if (row.kind === 'unreadable') lines.push(row.line)
      else if (toEntry('', row.attributes, settings.schema).faults.length > 0) lines.push(row.line)
    }
  }
  return lines.sort((a, b) => a - b)
}

describe('files by their header', () => {
  it('has a sample for every expectation, and the other way', () => {
    const files = readdirSync(folder).filter((name) => name !== 'expected.json')
    assert.deepEqual(files.sort(), Object.keys(samples).sort())
  })

  for (const [name, { found, none, faults }] of Object.entries(samples)) {
    it(name, async () => {
      const octets = readFileSync(join(folder, name))
      const encoding = octets[0] === 0xff ? 'utf16le' : 'utf8'
      const text = octets.toString(encoding).replace(/^\ufeff/u, '')
      assert.deepEqual(await faultyLines(name, text), faults)

      const config = parseDirectoryConfig(['[x]', `url = file:${name}`])
      const directories = openDirectories(config, testEnvironment(folder))
      try {
        await directories.ready()
        const answers: Record<string, string> = {}
        for (const address of Object.keys(found)) {
          const parsed = parseMailAddress(address)
          assert(parsed, address)
          const lookup = await directories.find(parsed)
          answers[address] = lookup.kind
          if (lookup.kind !== 'found') continue
          const { targetAddress, host } = lookup.entry
          answers[address] =
            targetAddress !== undefined
              ? `to ${targetAddress}`
              : host === undefined
                ? 'mailbox'
                : `on ${host}`
        }
        assert.deepEqual(answers, found)
        for (const address of none) {
          const parsed = parseMailAddress(address)
          assert(parsed)
          assert.equal((await directories.find(parsed)).kind, 'none', address)
        }
      } finally {
        await directories.close()
      }
    })
  }

  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['empty lines', '\n\n'],
    ['a type line alone', '#TYPE X\n'],
    ['columns that say nothing', 'name,phone\nAnna,1\n'],
    ['prose', 'Dear administrator,\nhere is the list.\n'],
    ['a header with octets lost', 'dn,prox\ufffdAddresses,mail\ncn=a,smtp:b@x.test,a@x.test\n'],
    ['a table with octets lost', 'EmailAd\ufffdresses,PrimarySmtpAddress\na@x.test,b@x.test\n'],
    ['a header with an open quote', '"address,target\nanna@example.com,\n'],
  ]
  for (const [what, text] of refused) {
    it(`takes ${what} for no such file`, async () => {
      await assert.rejects(async () => {
        for await (const rows of readTable([text])) void rows
      }, /expected/u)
    })
  }

  it('reads a file whatever ends its lines, in pieces of any size', async () => {
    const lines = ['address;target', 'anna@example.com;', '"b;1"@example.com;x@y.example', '']
    for (const end of ['\r', '\n', '\r\n']) {
      for (const size of [1, 2, 3, 5, 100]) {
        const pieces = lines.join(end).match(new RegExp(`.{1,${size}}`, 'gsu')) ?? []
        const read: number[] = []
        for await (const rows of readTable(pieces)) read.push(...rows.map(({ line }) => line))
        assert.deepEqual(read, [2, 3], JSON.stringify([end, size]))
      }
    }
  })

  it('is kept in use when a new version is no such file', async () => {
    const dir = temporaryFolder('table')
    const file = join(dir, 'people.csv')
    writeFileSync(file, 'address\nanna@example.com\n')
    const env = testEnvironment(dir)
    const directories = openDirectories(
      parseDirectoryConfig(['[x]', 'url = file:people.csv']),
      env,
      {
        pollInterval: 20,
        settleTime: 20,
      },
    )
    try {
      await directories.ready()
      writeFileSync(file, 'name,phone\nAnna,1\n')
      const end = performance.now() + 10_000
      while (!env.log.lines.some((line) => /not in use: expected a header line/u.test(line))) {
        assert.ok(performance.now() < end, env.log.lines.join('\n'))
        await new Promise((later) => setTimeout(later, 20))
      }
      const anna = parseMailAddress('anna@example.com')
      assert(anna)
      assert.equal((await directories.find(anna)).kind, 'found')
    } finally {
      await directories.close()
    }
  })
})
