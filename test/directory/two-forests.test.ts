/**
 * Two directories, and what each of them has of one person: every combination, for the common domain and
 * for the forest's own, in both orders. docs/two-forests.md argues the answers.
 *
 * Addresses: sven@common.example (asked for, or) sven@two.example, the own domain of the second forest.
 */
import assert from 'node:assert/strict'

import { followContacts } from '../../plugins/decision/redirect.js'
import { findInDirectories } from '../../plugins/directory/directories.js'
import type { Directory, DirectoryEntry } from '../../plugins/directory/directory.js'
import { mailAddress } from '../../plugins/mail/mail-address.js'

type Has = 'mailbox' | 'own target' | 'other target' | 'nothing'

const common = mailAddress('sven', 'common.example')
const own = mailAddress('sven', 'two.example')
const other = 'sven@elsewhere.example'

function entryOf(has: Has, forest: string): DirectoryEntry[] {
  const base = { dn: `CN=Sven,DC=${forest}`, addresses: [common.key, own.key] }
  switch (has) {
    case 'mailbox':
      return [{ ...base, isContact: false }]
    case 'own target':
      return [{ ...base, isContact: true, targetAddress: own.key }]
    case 'other target':
      return [{ ...base, isContact: true, targetAddress: other }]
    case 'nothing':
      return []
  }
}

function directory(name: string, has: Has): Directory {
  const entries = entryOf(has, name)
  return {
    name,
    find: ({ key }) => Promise.resolve(entries.filter((one) => one.addresses.includes(key))),
    close: () => Promise.resolve(),
  }
}

/** Where the mail ends: a mailbox of a forest, the connector of an address, nowhere. */
async function endOf(first: Has, second: Has, asked: typeof common): Promise<string> {
  const directories = [directory('one', first), directory('two', second)]
  const resolution = await followContacts(asked, {
    find: (address, elsewhere) => findInDirectories(directories, address, elsewhere),
    isLookedUp: (domain) => domain.endsWith('common.example') || domain === own.domain,
    recipientDelimiter: '',
    follow: true,
  })
  if (resolution.kind === 'mailbox') return `mailbox in ${resolution.directory}`
  if (resolution.kind === 'target') return `connector of ${resolution.address.key}`
  return resolution.kind
}

const toOwn = `connector of ${own.key}`
const toOther = `connector of ${other}`

/** The same for both domains and, but for names, in both orders. */
const table: readonly (readonly [first: Has, second: Has, end: string])[] = [
  ['mailbox', 'mailbox', 'mailbox in one'],
  ['mailbox', 'own target', 'mailbox in one'],
  ['mailbox', 'other target', 'mailbox in one'],
  ['mailbox', 'nothing', 'mailbox in one'],
  ['own target', 'mailbox', 'mailbox in two'],
  ['own target', 'own target', toOwn],
  ['own target', 'other target', toOther],
  ['own target', 'nothing', toOwn],
  ['other target', 'mailbox', toOther],
  ['other target', 'own target', toOther],
  ['other target', 'other target', toOther],
  ['other target', 'nothing', toOther],
  ['nothing', 'mailbox', 'mailbox in two'],
  ['nothing', 'own target', toOwn],
  ['nothing', 'other target', toOther],
  ['nothing', 'nothing', 'unknown'],
]

describe('two forests', () => {
  for (const [first, second, end] of table) {
    for (const asked of [common, own]) {
      it(`${first} and ${second}, asked for ${asked.key}: ${end}`, async () => {
        assert.equal(await endOf(first, second, asked), end)
      })
    }
  }

  it('a contact of the first with the address, whose target only the second knows as a mailbox', async () => {
    const contact: DirectoryEntry = {
      dn: 'CN=Sven,DC=one',
      addresses: [common.key, own.key],
      isContact: true,
      targetAddress: own.key,
    }
    const user: DirectoryEntry = { dn: 'CN=Sven,DC=two', addresses: [own.key], isContact: false }
    const of = (name: string, entry: DirectoryEntry): Directory => ({
      name,
      find: ({ key }) => Promise.resolve(entry.addresses.includes(key) ? [entry] : []),
      close: () => Promise.resolve(),
    })
    for (const directories of [
      [of('one', contact), of('two', user)],
      [of('two', user), of('one', contact)],
    ]) {
      const resolution = await followContacts(common, {
        find: (address, elsewhere) => findInDirectories(directories, address, elsewhere),
        isLookedUp: () => true,
        recipientDelimiter: '',
        follow: true,
      })
      assert.equal(resolution.kind, 'mailbox')
      assert.equal('directory' in resolution && resolution.directory, 'two')
    }
  })
})
