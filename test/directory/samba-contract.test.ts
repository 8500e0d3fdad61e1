import assert from 'node:assert/strict'

import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { Samba } from '../../scripts/servers/samba.js'
import { describeWithServers } from '../servers.js'
import { directoryContract } from './contract.js'
import { testEnvironment } from './environment.js'
import { peopleAsLdif } from './people.js'

// ldapadd comes with slapd's packages
describeWithServers(['samba', 'slapd'], 'directory contract: Active Directory', () => {
  let samba: Samba | undefined

  before(async function () {
    this.timeout(60_000)
    samba = await Samba.start()
    const staff = `OU=Staff,${samba.baseDn}`
    await samba.add(
      `dn: ${staff}\nobjectClass: organizationalUnit\nou: Staff\n\n${peopleAsLdif(staff)}`,
    )
  })
  after(() => samba?.remove())

  const ways: readonly (readonly [string, string, number, string?])[] = [
    ['domain controller', 'ldap', 389],
    ['domain controller with TLS', 'ldaps', 636],
    ['global catalog', 'ldap', 3268],
    ['global catalog with TLS', 'ldaps', 3269],
    ['a replica of a domain controller', 'ldaps', 636, 'replica'],
    ['a replica of a global catalog', 'ldaps', 3269, 'replica'],
  ]
  for (const [way, scheme, port, mode = 'live'] of ways) {
    describe(way, () => {
      let directories: DirectorySet

      before(() => {
        assert(samba)
        const config = parseDirectoryConfig([
          '[people]',
          `url = ${scheme}://${samba.host}:${port}`,
          `mode = ${mode}`,
          // the domain's root: the domain controller adds referrals to its answers; a catalog has more
          `base_dn = ${port === 3269 ? '' : samba.baseDn}`,
          `bind_dn = ${samba.bindDn}`,
          `bind_password = ${samba.password}`,
          `tls_ca_file = ${samba.certificates.ca}`,
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
