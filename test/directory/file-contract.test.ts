import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { temporaryFolder } from '../../scripts/servers/process.js'
import { directoryContract } from './contract.js'
import { testEnvironment } from './environment.js'
import { peopleAsCsvde, peopleAsLdif } from './people.js'

const base = 'OU=Staff,DC=corp,DC=example'

const files = [
  ['CSVDE', 'people.csv', Buffer.from(peopleAsCsvde(base))],
  ['CSVDE in UTF-16', 'people.csv', Buffer.from(`\ufeff${peopleAsCsvde(base)}`, 'utf16le')],
  ['CSVDE with a byte order mark', 'people.csv', Buffer.from(`\ufeff${peopleAsCsvde(base)}`)],
  [
    'LDIF in big-endian UTF-16',
    'people.ldif',
    Buffer.from(`\ufeff${peopleAsLdif(base)}`, 'utf16le').swap16(),
  ],
  ['LDIF', 'people.ldif', Buffer.from(peopleAsLdif(base))],
] as const

for (const [kind, name, content] of files) {
  describe(`directory contract: ${kind}`, () => {
    let directories: DirectorySet

    before(async () => {
      const folder = temporaryFolder('people')
      writeFileSync(join(folder, name), content)
      const config = parseDirectoryConfig(['[people]', `url = file:${name}`])
      directories = openDirectories(config, testEnvironment(folder))
      await directories.ready()
    })
    after(() => directories.close())

    directoryContract(() => directories)
  })
}
