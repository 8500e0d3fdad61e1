import assert from 'node:assert/strict'

import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { describeWithServers } from '../servers.js'
import { directoryContract } from './contract.js'
import { testEnvironment } from './environment.js'
import { peopleAsLdif } from './people.js'

describeWithServers(['slapd'], 'directory contract: slapd', () => {
  let slapd: Slapd | undefined

  before(async function () {
    this.timeout(30_000)
    slapd = await Slapd.start()
    await slapd.add(peopleAsLdif(slapd.baseDn))
  })
  after(() => slapd?.remove())

  const ways: readonly (readonly [string, (server: Slapd) => string[]])[] = [
    ['ldap', ({ url }) => [`url = ${url}`]],
    ['StartTLS', ({ port }) => [`url = ldap://localhost:${port}`, 'start_tls = true']],
    ['ldaps', ({ secureUrl }) => [`url = ${secureUrl}`]],
    ['a replica', ({ url }) => [`url = ${url}`, 'mode = replica']],
    ['ldaps by address', ({ securePort }) => [`url = ldaps://127.0.0.1:${securePort}`]],
  ]
  for (const [way, lines] of ways) {
    describe(way, () => {
      let directories: DirectorySet

      before(() => {
        assert(slapd)
        const config = parseDirectoryConfig([
          '[people]',
          ...lines(slapd),
          `base_dn = ${slapd.baseDn}`,
          `bind_dn = ${slapd.bindDn}`,
          `bind_password = ${slapd.password}`,
          `tls_ca_file = ${slapd.certificates.ca}`,
          'filter = (&(objectClass=*)(|(proxyAddresses=smtp:{address})(mail={address})))',
        ])
        directories = openDirectories(config, testEnvironment('/'))
        return directories.ready()
      })
      after(() => directories.close())

      directoryContract(() => directories)
    })
  }
})
