import assert from 'node:assert/strict'

import { followContacts } from '../../plugins/decision/redirect.js'
import type { Lookup } from '../../plugins/directory/directory.js'
import { address, findIn, type TestObject } from './fixture.js'

const isLookedUp = (domain: string): boolean => domain === 'example.com'

async function follow(objects: TestObject[], recipient = 'a@example.com', followed = true) {
  const asked: string[] = []
  const options = { objects, asked, failing: ['down@example.com'] }
  const resolution = await followContacts(address(recipient), {
    find: findIn(options),
    isLookedUp,
    recipientDelimiter: '+',
    follow: followed,
  })
  return { resolution, asked }
}

/** Contacts 1@ → 2@ → … → n@, the last one leading to `end`. */
function chain(length: number, end: string): TestObject[] {
  return Array.from({ length }, (_, index) => ({
    dn: `CN=${index + 1}`,
    addresses: [`${index + 1}@example.com`],
    target: index + 1 === length ? end : `${index + 2}@example.com`,
  }))
}

describe('redirect', () => {
  const cases: [name: string, objects: TestObject[], recipient: string, expected: string][] = [
    ['a mailbox', [{ dn: 'CN=A', addresses: ['a@example.com'] }], 'a@example.com', 'mailbox a'],
    ['nothing', [], 'a@example.com', 'unknown a'],
    ['a foreign target', chain(1, 'x@remote.domain'), '1@example.com', 'target x'],
    ['a target nobody has', chain(1, 'x@example.com'), '1@example.com', 'target x'],
    ['ten contacts', chain(10, 'x@remote.domain'), '1@example.com', 'target x'],
    ['eleven contacts', chain(11, 'x@remote.domain'), '1@example.com', 'circle 11'],
    ['a circle of one other', chain(2, '1@example.com'), '1@example.com', 'circle 1'],
    ['a circle further on', chain(4, '3@example.com'), '1@example.com', 'circle 3'],
    ['itself', chain(1, '1@example.com'), '1@example.com', 'target 1'],
    ['a blank target', chain(1, ' '), '1@example.com', 'unusable 1'],
    ['a target that cannot be asked', chain(1, 'down@example.com'), '1@example.com', 'failed down'],
    [
      'a mailbox at the end',
      [...chain(2, 'm@example.com'), { dn: 'CN=M', addresses: ['m@example.com'] }],
      '1@example.com',
      'mailbox m',
    ],
    [
      'an ambiguous target',
      [
        ...chain(1, 't@example.com'),
        { dn: 'CN=T1', addresses: ['t@example.com'] },
        { dn: 'CN=T2', addresses: ['t@example.com'] },
      ],
      '1@example.com',
      'ambiguous t',
    ],
  ]
  for (const [name, objects, recipient, expected] of cases) {
    it(`${name}: ${expected}`, async () => {
      const { resolution } = await follow(objects, recipient)
      assert.equal(`${resolution.kind} ${resolution.address.local}`, expected)
    })
  }

  it('names every step', async () => {
    const { resolution } = await follow(chain(2, 'X@Remote.Domain'), '1@example.com')
    assert.deepEqual(
      resolution.steps.map(({ from, dn, to }) => [from.key, dn, to.key]),
      [
        ['1@example.com', 'CN=1', '2@example.com'],
        ['2@example.com', 'CN=2', 'x@remote.domain'],
      ],
    )
    assert.equal(resolution.address.local, 'X')
  })

  it('takes objects of one name in two directories for two', async () => {
    const entry = { dn: 'line 2', isContact: true }
    const lookups: Record<string, Lookup> = {
      '1@example.com': {
        kind: 'found',
        directory: 'one',
        entry: { ...entry, addresses: ['1@example.com'], targetAddress: '2@example.com' },
      },
      '2@example.com': {
        kind: 'found',
        directory: 'two',
        entry: { ...entry, addresses: ['2@example.com'], targetAddress: 'x@remote.domain' },
      },
    }
    const resolution = await followContacts(address('1@example.com'), {
      find: ({ key }) => Promise.resolve(lookups[key] ?? { kind: 'none' }),
      isLookedUp,
      recipientDelimiter: '',
      follow: true,
    })
    assert.equal(`${resolution.kind} ${resolution.address.key}`, 'target x@remote.domain')
  })

  it('takes a tag along to each target, and prefers an address that has it', async () => {
    const objects = [
      ...chain(2, 'x@remote.domain'),
      { dn: 'CN=Exact', addresses: ['1+shop@example.com'] },
    ]
    assert.equal((await follow(objects, '1+news@example.com')).resolution.address.local, 'x+news')
    assert.equal((await follow(objects, '1+shop@example.com')).resolution.kind, 'mailbox')
  })

  it('asks for the address without its tag only when the full one is not there', async () => {
    assert.deepEqual((await follow([], 'a+b@example.com')).asked, [
      'a+b@example.com',
      'a@example.com',
    ])
    assert.deepEqual((await follow([], 'down@example.com')).asked, ['down@example.com'])
  })

  it('shows a contact without following it when told so', async () => {
    const { resolution } = await follow(chain(1, 'x@remote.domain'), '1@example.com', false)
    assert.equal(resolution.kind, 'contact')
    assert.equal(resolution.address.key, '1@example.com')
  })
})
