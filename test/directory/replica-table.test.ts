import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

import { PresenceFilter } from 'ldapts'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import type { DirectoryEntry } from '../../plugins/directory/directory.js'
import { changedSince, laterTime } from '../../plugins/directory/replica/change-mark.js'
import { loadReplica, ReplicaFile } from '../../plugins/directory/replica/replica-file.js'
import { ReplicaTable, type ReplicaEntry } from '../../plugins/directory/replica/replica-table.js'
import { ReplicaDirectory } from '../../plugins/directory/replica/replica-directory.js'
import { settingsDigest } from '../../plugins/directory/replica/settings-digest.js'
import { temporaryFolder } from '../../scripts/servers/process.js'
import { testEnvironment } from './environment.js'

const object = (id: string, dn: string, ...addresses: string[]): ReplicaEntry => {
  const entry: DirectoryEntry = { dn, addresses, isContact: false }
  return { id, entry }
}

const three = [
  object('1', 'cn=Anna\u2028 B,dc=x', 'anna@x', 'a@x'),
  object('2', 'cn=Berta,dc=x', 'berta@x'),
  object('3', 'cn=Carl,dc=x', 'carl@x'),
]

const tableOf = (entries: readonly ReplicaEntry[]): Promise<ReplicaTable> =>
  ReplicaTable.of(
    (async function* () {
      yield await Promise.resolve(entries)
    })(),
  )

describe('replica table', () => {
  const dns = (table: ReplicaTable, key: string): string[] =>
    table.find(key).entries.map(({ dn }) => dn)

  it('lets changes hide what the snapshot has, by id', async () => {
    const table = await tableOf(three)
    assert.deepEqual(dns(table, 'anna@x'), ['cn=Anna\u2028 B,dc=x'])
    table.apply({ set: [object('1', 'cn=Anna C,dc=x', 'anna@x', 'anna.c@x')], gone: ['3'] })
    assert.deepEqual(dns(table, 'anna@x'), ['cn=Anna C,dc=x'])
    assert.deepEqual(dns(table, 'anna.c@x'), ['cn=Anna C,dc=x'])
    assert.deepEqual(dns(table, 'a@x'), [])
    assert.deepEqual(dns(table, 'carl@x'), [])
    assert.deepEqual(dns(table, 'berta@x'), ['cn=Berta,dc=x'])
    table.apply({ set: [object('1', 'cn=Anna D,dc=x', 'a@x')], gone: [] })
    assert.deepEqual([dns(table, 'anna@x'), dns(table, 'a@x')], [[], ['cn=Anna D,dc=x']])
    table.apply({ set: [object('3', 'cn=Carl,dc=x', 'berta@x')], gone: ['1'] })
    assert.equal(dns(table, 'berta@x').length, 2)
    assert.deepEqual(dns(table, 'a@x'), [])
    assert.equal(table.changed, 2)
  })
})

describe('replica table: doubts', () => {
  it('calls nobody unknown whom a value that could not be read may stand for', async () => {
    const doubt = { reason: 'damaged', addresses: ['d@x', 'anna@x'] }
    const damaged = (id: string): ReplicaEntry => ({ ...object(id, 'cn=D,dc=x', 'own@x'), doubt })
    const table = await tableOf([...three, damaged('9')])
    const of = (key: string) => {
      const { entries, doubt: why } = table.find(key)
      return [entries.length, why]
    }
    assert.deepEqual(['d@x', 'anna@x', 'own@x', 'e@x'].map(of), [
      [0, 'damaged'],
      [1, undefined],
      [1, undefined],
      [0, undefined],
    ])
    table.apply({ set: [object('9', 'cn=D,dc=x', 'own@x')], gone: [] })
    assert.deepEqual(of('d@x'), [0, undefined])
    table.apply({ set: [damaged('10')], gone: [] })
    assert.deepEqual(
      [of('d@x'), of('anna@x')],
      [
        [0, 'damaged'],
        [1, undefined],
      ],
    )
    table.apply({ set: [], gone: ['10'] })
    assert.deepEqual(of('d@x'), [0, undefined])
  })
})

describe('replica on disk', () => {
  async function written(): Promise<{ file: ReplicaFile; id: string }> {
    const file = new ReplicaFile(temporaryFolder('replica'), 'corp / one')
    const draft = await file.draft()
    const head = { version: 1 as const, id: draft.id, settings: 's', readAt: 5, server: 'u' }
    await draft.begin(head)
    await draft.add(three.slice(0, 2))
    await draft.add(three.slice(2))
    await draft.end()
    await file.use(draft, head)
    return { file, id: draft.id }
  }
  const line = (at: number) => ({
    at,
    server: 'u',
    entries: 3,
    set: [object('9', 'cn=Ömer', 'ömer@x')],
    gone: ['2'],
  })

  it('reads back what was written', async () => {
    const { file, id } = await written()
    const { table, head } = await loadReplica(file)
    assert.deepEqual([head.id, head.readAt, table.entries, table.addresses], [id, 5, 3, 4])
    assert.equal((await file.head()).id, id)
    assert.deepEqual(table.find('anna@x').entries, [three[0]?.entry])
  })

  it('takes away what a killed process left, and not what another reader of this process writes', async () => {
    const { file } = await written()
    const left = `${file.snapshotPath}.99999999-1.new`
    writeFileSync(left, 'half')
    const one = await file.draft()
    const two = await file.draft()
    assert.deepEqual(
      [existsSync(left), existsSync(one.path), existsSync(two.path)],
      [false, true, true],
    )
    await one.drop()
    assert.deepEqual([existsSync(one.path), existsSync(two.path)], [false, true])
    await two.drop()
    assert.equal((await loadReplica(file)).table.entries, 3)
  })

  it('takes a snapshot cut off anywhere for none', async () => {
    const { file } = await written()
    const { length } = readFileSync(file.snapshotPath)
    for (let size = length - 2; size >= 0; size -= 1) {
      truncateSync(file.snapshotPath, size)
      await assert.rejects(loadReplica(file), `${size} of ${length} octets`)
    }
  })

  it('takes a snapshot with an octet changed for none', async () => {
    const { file } = await written()
    const octets = readFileSync(file.snapshotPath)
    for (let at = 0; at < octets.length - 1; at += 1) {
      const changed = Buffer.from(octets)
      changed[at] = (changed[at] ?? 0) ^ 1
      writeFileSync(file.snapshotPath, changed)
      await assert.rejects(loadReplica(file), `octet ${at}`)
    }
  })

  it('gives the changes that are whole, from an offset on, of this snapshot only', async () => {
    const { file, id } = await written()
    const empty = await file.changes(id)
    assert.deepEqual(empty.lines, [])
    await file.append(line(1))
    await file.append(line(2))
    appendFileSync(file.changesPath, '{"at":3,"set"')
    const all = await file.changes(id)
    assert.deepEqual(
      all.lines.map(({ at }) => at),
      [1, 2],
    )
    assert.deepEqual(all.lines[0], line(1))
    assert.deepEqual((await file.changes(id, all.end)).lines, [])
    assert.deepEqual((await file.changes('another')).lines, [])
    // half a line of a process that was killed
    await file.mend(id, all.end)
    await file.append(line(3))
    assert.deepEqual(
      (await file.changes(id)).lines.map(({ at }) => at),
      [1, 2, 3],
    )
    await file.mend('another', 0)
    assert.deepEqual((await file.changes('another')).lines, [])
    await file.append(line(4))
    assert.equal((await file.changes('another')).lines.length, 1)
  })
})

describe('change mark', () => {
  const fits = new PresenceFilter({ attribute: 'mail' })
  const minute = 60_000
  const begin = (seenAt: number, now: number): string =>
    changedSince({ kind: 'time', newest: '20260101001500Z', seenAt }, fits, now)?.set.toString() ??
    ''

  it('asks ten minutes back as long as a change may be late, then from the newest on', () => {
    assert.match(begin(0, 0), /modifyTimestamp>=20260101000500Z/u)
    assert.match(begin(0, 4 * minute), /modifyTimestamp>=20260101000900Z/u)
    assert.match(begin(0, 60 * minute), /modifyTimestamp>=20260101001500Z/u)
    // the clock was put back
    assert.match(begin(60 * minute, 0), /modifyTimestamp>=20260101000500Z/u)
  })

  it('asks from the number before the last one on', () => {
    const mark = { kind: 'usn' as const, server: 'dc1', usn: 50, before: 40 }
    assert.match(
      changedSince(mark, fits, 0)?.unset.toString() ?? '',
      /uSNChanged>=41\)\(!\(mail=\*/u,
    )
  })

  it('keeps the newest time, and has nothing to ask before one was seen', () => {
    const none = { kind: 'time' as const, newest: '', seenAt: 0 }
    assert.equal(changedSince(none, fits, 0), undefined)
    const first = laterTime(none, '20260101001500Z', 7)
    assert.deepEqual(first, { kind: 'time', newest: '20260101001500Z', seenAt: 7 })
    assert(first.kind === 'time')
    assert.equal(laterTime(first, '20260101001459.5Z', 9), first)
    assert.equal(laterTime(first, 'yesterday', 9), first)
  })
})

describe('a replica that follows the disk', () => {
  it('is never answered from a snapshot without the changes that were in force', async () => {
    const stateDir = temporaryFolder('replica')
    const [settings] = parseDirectoryConfig([
      '[corp]',
      'url = ldap://127.0.0.1:1',
      'base_dn = dc=x',
      'mode = replica',
    ]).directories
    assert(settings?.kind === 'ldap')
    const file = new ReplicaFile(stateDir, 'corp')
    // the second snapshot has what the changes of the first say
    const write = async (whole: boolean): Promise<void> => {
      const draft = await file.draft()
      const head = {
        version: 1 as const,
        id: draft.id,
        settings: settingsDigest(settings),
        readAt: Date.now(),
        server: 'u',
      }
      const changed = { set: [object('7', 'cn=7', 'new@x')], gone: ['8'] }
      await draft.begin(head)
      const many = Array.from({ length: 20_000 }, (_, at) => object(`${at}`, `cn=${at}`, `${at}@x`))
      const rest = many.filter(({ id }) => id !== '7' && id !== '8')
      await draft.add(whole ? [...rest, ...changed.set] : many)
      await draft.end()
      await file.use(draft, head)
      if (whole) return
      await file.append({ at: Date.now(), server: 'u', entries: 19_999, ...changed })
    }
    await write(false)
    const env = testEnvironment('/')
    const directory = new ReplicaDirectory(settings, env, { role: 'follow', stateDir, staleTtl: 0 })
    try {
      const asked: Promise<number[]>[] = []
      const ask = (): void => {
        const finds = ['new', '7', '8', '9'].map((local) => directory.find(mailAddress(local, 'x')))
        asked.push(Promise.all(finds).then((found) => found.map(({ length }) => length)))
      }
      // at every turn, so that some questions come between any two steps of the loading
      while (directory.state() === undefined) {
        ask()
        await setImmediate()
      }
      for (let turn = 0; turn < 100; turn += 1) {
        ask()
        await setImmediate()
      }
      const rewritten = write(true)
      const end = performance.now() + 2000
      while (performance.now() < end) {
        ask()
        await setImmediate()
      }
      await rewritten
      const wrong = (await Promise.all(asked)).filter((found) => found.join() !== '1,0,0,1')
      assert.deepEqual(wrong, [], env.log.lines.join('\n'))
      assert.equal(env.log.lines.filter((line) => /is in use after/u.test(line)).length, 2)
    } finally {
      await directory.close()
    }
  })
})
