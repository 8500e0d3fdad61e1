import assert from 'node:assert/strict'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { schemas, type SchemaName } from '../../plugins/directory/schema.js'
import { postfixBook, qmail, zimbra } from '../../scripts/servers/mail-schemas.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { describeWithServers } from '../servers.js'
import { directoryContract } from './contract.js'
import { testEnvironment } from './environment.js'
import { peopleAsLdif } from './people.js'

interface Site {
  readonly schema: string
  /** objects besides those of the contract, without their names */
  readonly more: readonly (readonly string[])[]
  /** what is found of them: address, and host or nothing */
  readonly found: readonly (readonly [string, string | undefined] | readonly [string])[]
}

// `found` with one element: not there
const sites: Partial<Record<SchemaName, Site>> = {
  sendmail: {
    schema: '',
    more: [
      ['inetLocalMailRecipient', 'mailLocalAddress: h@example.com', 'mailHost: Mail2.example.com'],
      // no recipient of LDAP routing
      ['device', 'description: mailLocalAddress=d@example.com'],
    ],
    found: [['h@example.com', 'mail2.example.com'], ['d@example.com']],
  },
  'postfix-book': {
    schema: postfixBook,
    more: [
      ['PostfixBookMailAccount', 'mail: on@example.com', 'mailEnabled: TRUE'],
      ['PostfixBookMailAccount', 'mail: off@example.com', 'mailEnabled: FALSE'],
    ],
    found: [['on@example.com', undefined], ['off@example.com']],
  },
  qmail: {
    schema: qmail,
    more: [
      ['qmailUser', 'mail: h@example.com', 'mailHost: q1.example.com', 'accountStatus: active'],
      ['qmailUser', 'mail: off@example.com', 'accountStatus: disabled'],
    ],
    found: [['h@example.com', 'q1.example.com'], ['off@example.com']],
  },
  zimbra: {
    schema: zimbra,
    more: [
      [
        'zimbraAccount',
        'zimbraMailDeliveryAddress: z@example.com',
        'zimbraMailHost: Z1.example.com',
      ],
      ['zimbraAccount', 'zimbraMailDeliveryAddress: off@example.com', 'zimbraMailStatus: disabled'],
    ],
    found: [['z@example.com', 'z1.example.com'], ['off@example.com']],
  },
}

const runs = (Object.entries(sites) as [SchemaName, Site][]).flatMap(([name, site]) =>
  (['live', 'replica'] as const).map((mode) => ({ name, site, mode })),
)
for (const { name, site, mode } of runs) {
  describeWithServers(
    ['slapd'],
    `directory contract: schema ${name} on slapd, ${mode}`,
    function () {
      this.timeout(60_000)
      let slapd: Slapd
      let directories: DirectorySet

      before(async () => {
        slapd = await Slapd.start({ schema: site.schema })
        const more = site.more.map(([objectClass = '', ...lines], index) =>
          [
            `dn: cn=more ${index},${slapd.baseDn}`,
            ...(objectClass === 'device' ? [] : ['objectClass: user']),
            `objectClass: ${objectClass}`,
            ...lines,
          ].join('\n'),
        )
        await slapd.add(`${peopleAsLdif(slapd.baseDn, name)}\n${more.join('\n\n')}\n`)
        const config = parseDirectoryConfig([
          '[people]',
          `url = ${slapd.url}`,
          `base_dn = ${slapd.baseDn}`,
          `bind_dn = ${slapd.bindDn}`,
          `bind_password = ${slapd.password}`,
          `schema = ${name}`,
          `mode = ${mode}`,
        ])
        directories = openDirectories(config, testEnvironment('/'))
        await directories.ready()
      })
      after(async () => {
        await directories.close()
        await slapd.remove()
      })

      directoryContract(() => directories, schemas[name])

      for (const [address, ...host] of site.found) {
        const answer = host.length === 0 ? 'none' : `host ${host[0] ?? 'of the directory'}`
        it(`${address} → ${answer}`, async () => {
          const [local = '', domain = ''] = address.split('@')
          const lookup = await directories.find(mailAddress(local, domain))
          if (host.length === 0) assert.equal(lookup.kind, 'none')
          else {
            assert(lookup.kind === 'found', JSON.stringify(lookup))
            assert.equal(lookup.entry.host, host[0])
          }
        })
      }
    },
  )
}
