/**
 * An account that does not see the addresses of its directory, over SMTP: the server answers "nothing
 * found" for everybody, and nobody may hear 550 because of it. Real ACLs of slapd; asked for each address, and
 * as a replica. What `check` says of it stands here too.
 */
import assert from 'node:assert/strict'

import { Slapd } from '../../scripts/servers/slapd.js'
import { runCommand } from '../cli/command.js'
import { describeWithServers } from '../servers.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

const base = 'dc=corp,dc=example'
const accounts = ['good', 'blind', 'half', 'searcher'] as const
type Account = (typeof accounts)[number]

const dn = (account: Account): string => `cn=${account},${base}`
const rights = (...lines: readonly string[]): string => [...lines, '  by * read'].join('\n')

const acl = [
  'access to attrs=userPassword\n  by anonymous auth\n  by * none',
  rights(
    'access to attrs=proxyAddresses',
    `  by dn.exact="${dn('blind')}" none`,
    `  by dn.exact="${dn('half')}" none`,
    `  by dn.exact="${dn('searcher')}" search`,
  ),
  rights('access to attrs=mail', `  by dn.exact="${dn('blind')}" none`),
  rights('access to *'),
]

const entries = [
  ...accounts.map((account) => [
    `dn: ${dn(account)}`,
    'objectClass: organizationalRole',
    'objectClass: simpleSecurityObject',
    `userPassword: secret of ${account}`,
  ]),
  // the gateway's postmaster, who has an address in mail only
  [`dn: cn=user0,${base}`, 'objectClass: user', 'mail: user0@example.com'],
  ...['anna', 'bert'].map((name) => [
    `dn: cn=${name},${base}`,
    'objectClass: contact',
    `proxyAddresses: smtp:${name}@example.com`,
    `targetAddress: SMTP:${name}@remote.domain`,
  ]),
]
  .map((lines) => `${lines.join('\n')}\n`)
  .join('\n')

describeWithServers(['slapd'], 'an account that does not see addresses', function () {
  this.timeout(60_000)
  let slapd: Slapd
  let mail: DirectoryGateway | undefined

  before(async () => {
    slapd = await Slapd.start({ database: acl, entries })
  })
  afterEach(async () => {
    await mail?.stop()
    mail = undefined
  })
  after(() => slapd.remove())

  const start = async (account: Account, ...more: readonly string[]): Promise<DirectoryGateway> => {
    mail = await startDirectoryGateway(
      [
        '[corp]',
        `url = ${slapd.url}`,
        `base_dn = ${base}`,
        `bind_dn = ${dn(account)}`,
        `bind_password = secret of ${account}`,
        'mailbox_host = smtp://[127.0.0.5]:2525',
        ...more,
      ],
      15_000,
    )
    return mail
  }
  const code = async (of: DirectoryGateway, name: string): Promise<string> => {
    const reply = await of.rcpt(`${name}@example.com`)
    return `${reply.code} ${reply.enhanced}`
  }
  const known = '250 2.1.5'
  const unclear = '450 4.4.3'

  const told: readonly (readonly [Exclude<Account, 'good'>, RegExp])[] = [
    [
      'blind',
      /no object with any address can be found below "dc=corp,dc=example": let "cn=blind,dc=corp,dc=example" search and read proxyAddresses and mail/u,
    ],
    [
      'half',
      /proxyAddresses cannot be searched below "dc=corp,dc=example": let "cn=half,dc=corp,dc=example" search and read it/u,
    ],
    [
      'searcher',
      /cn=anna,dc=corp,dc=example has proxyAddresses and does not show it: let "cn=searcher,dc=corp,dc=example" read proxyAddresses/u,
    ],
  ]

  for (const mode of ['live', 'replica']) {
    it(`${mode}: one that sees them: known and unknown`, async () => {
      const of = await start('good', `mode = ${mode}`)
      assert.equal(await code(of, 'anna'), known)
      assert.equal(await code(of, 'nobody'), '550 5.1.1')
    })

    for (const [account, reason] of told) {
      it(`${mode}: ${account}: nobody is unknown, and the log says what is missing`, async () => {
        const of = await start(account, `mode = ${mode}`)
        assert.equal(await code(of, 'nobody'), unclear)
        assert.equal(await code(of, 'anna'), unclear)
        assert.equal(await code(of, 'bert'), unclear)
        // whom the account sees is known, where he is asked for by himself
        const seen = mode === 'live' && account !== 'blind'
        assert.equal(await code(of, 'user0'), seen ? known : unclear)
        await of.gateway.waitForLog(reason, 5000)
        const { code: exit, stdout } = await runCommand(['check', '--config', of.gateway.dir])
        assert.equal(exit, 1)
        assert.match(stdout.replace(/\s+/gu, ' '), reason)
      })
    }
  }

  it('a server that does not know an attribute of the schema: known and unknown', async () => {
    const of = await start('searcher', 'address_attributes = mail, mailAlias')
    assert.equal(await code(of, 'user0'), known)
    assert.equal(await code(of, 'nobody'), '550 5.1.1')
  })

  it('a directory without a single address: cannot find out', async () => {
    const of = await start('searcher', 'filter = (&(objectClass=contact)(mail={address}))')
    assert.equal(await code(of, 'nobody'), unclear)
  })
})
