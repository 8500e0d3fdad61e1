import assert from 'node:assert/strict'

import type { DirectoryEntry } from '../../plugins/directory/directory.js'
import { EntryTable } from '../../plugins/directory/entry-table.js'

async function tableOf(entries: readonly DirectoryEntry[]): Promise<EntryTable> {
  const table = new EntryTable()
  for (const entry of entries) table.add(entry)
  await table.seal()
  return table
}

const person = (name: string, ...addresses: string[]): DirectoryEntry => ({
  dn: `cn=${name}`,
  addresses,
  isContact: false,
})

describe('entry table', () => {
  const entries: readonly DirectoryEntry[] = [
    person('bare', 'bare@x'),
    { ...person('primary', 'p@x', 'q@x'), primary: 'P@X' },
    { ...person('target', 'r@x'), targetAddress: 's@y', isContact: true },
    { ...person('both', 't@x'), primary: 'T@x', targetAddress: 'T@x', isContact: true },
    { ...person('ü "\\', 'ü@x'), targetAddress: '0' },
    { ...person('a\\, b,ou=x,dc=y', 'u@x', 'U@x'), primary: 'U@X' },
    { ...person('a+sn=c,ou=x,dc=y', 'v@xn--bcher-kva.example'), primary: 'v@Bücher.example' },
  ]

  it('gives back what was put in', async () => {
    const table = await tableOf(entries)
    for (const entry of entries) {
      for (const address of entry.addresses) assert.deepEqual(table.find(address), [entry])
    }
    assert.deepEqual(table.find('none@x'), [])
    assert.deepEqual([table.entries, table.addresses], [7, 9])
  })

  it('is empty without entries', async () => {
    assert.deepEqual((await tableOf([])).find('a@x'), [])
    const table = await tableOf([person('none')])
    assert.deepEqual([table.entries, table.addresses], [0, 0])
  })

  it('gives all objects that share an address', async () => {
    const table = await tableOf([person('a', 'x@x', 'a@x'), person('b', 'b@x', 'x@x')])
    assert.deepEqual(
      table.find('x@x').map(({ dn }) => dn),
      ['cn=a', 'cn=b'],
    )
    assert.equal(table.find('b@x').length, 1)
  })

  it('holds many, over several chunks', async () => {
    const count = 120_000
    const table = new EntryTable()
    for (let n = 0; n < count; n += 1)
      table.add(person(`user ${n} ${'x'.repeat(40)}`, `user${n}@x`))
    await table.seal()
    for (let n = 0; n < count; n += 97) {
      const [entry, second] = table.find(`user${n}@x`)
      assert.equal(entry?.dn.split(' ')[1], String(n))
      assert.equal(second, undefined)
    }
    assert.deepEqual(table.find(`user${count}@x`), [])
  })

  it('counts what another one lacks', async () => {
    const before = await tableOf([person('a', 'a@x', 'b@x'), person('c', 'c@x')])
    const after = await tableOf([person('z', 'b@x', 'd@x', 'e@x')])
    assert.equal(await before.missingIn(after), 2)
    assert.equal(await before.missingIn(before), 0)
    assert.equal(await before.missingIn(await tableOf([])), 3)
  })
})
