/** Rooms of plugins/ import downwards only; scripts/rooms.ts has their order. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { floors, importsBetweenRooms, problemOf } from '../scripts/rooms.js'
import { temporaryFolder } from '../scripts/servers/process.js'

const plugins = join(__dirname, '..', 'plugins')

describe('rooms', () => {
  it('import only what stands below', () => {
    const imports = importsBetweenRooms()
    assert.ok(imports.length > 100, `expected the imports of plugins/, found ${imports.length}`)
    assert.deepEqual(
      imports.flatMap((one) => problemOf(one) ?? []),
      [],
    )
  })

  it('are all the folders of plugins/', () => {
    const known = new Set(floors.flat())
    const folders = readdirSync(plugins, { withFileTypes: true }).filter((one) => one.isDirectory())
    assert.deepEqual(
      folders.map(({ name }) => name).filter((name) => !known.has(name)),
      [],
    )
  })

  for (const [from, to, right] of [
    ['decision/a.ts', 'delivery/b', false],
    ['mail/a.ts', 'haraka/b', false],
    ['cli/check/a.ts', 'connectors/index', false],
    ['delivery/hosts/a.ts', 'mail/b', true],
    ['gateway/a.ts', 'basics/b', true],
    ['gateway/a.ts', 'attic/b', false],
  ] as const) {
    it(`${from} ${right ? 'may' : 'may not'} import ${to}`, () => {
      const problem = problemOf({ file: from, line: 3, imported: to })
      assert.equal(problem === undefined, right)
      if (problem !== undefined) assert.match(problem, new RegExp(`plugins/${from}:3 imports`, 'u'))
    })
  }

  it('names file and line of an import that goes up', () => {
    const folder = temporaryFolder('rooms')
    mkdirSync(join(folder, 'mail', 'deep'), { recursive: true })
    writeFileSync(
      join(folder, 'mail', 'deep', 'a.ts'),
      "import { x } from './x.js'\n\nimport type {\n  Pack,\n} from '../../gateway/pack.js'\n",
    )
    assert.deepEqual(importsBetweenRooms(folder), [
      { file: 'mail/deep/a.ts', line: 5, imported: 'gateway/pack' },
    ])
  })
})
