/** No password and no question goes over a connection that is not as secure as configured. */
import assert from 'node:assert/strict'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories } from '../../plugins/directory/open.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { describeWithServers } from '../servers.js'
import { testEnvironment } from './environment.js'
import { FakeLdap, type Behaviour } from './fake-ldap.js'

async function ask(...lines: readonly string[]): Promise<string> {
  const env = testEnvironment('/')
  const directories = openDirectories(parseDirectoryConfig(['[a]', ...lines]), env)
  const lookup = await directories.find(mailAddress('user1', 'x'))
  await directories.close()
  return lookup.kind === 'failed' ? `failed: ${lookup.reason}` : lookup.kind
}

describe('StartTLS at a server that does not do it', () => {
  const servers: readonly (readonly [string, Behaviour])[] = [
    ['refuses', { startTls: 2 }],
    ['is unavailable', { startTls: 52 }],
    ['does not answer', { startTls: 'hang' }],
    ['agrees, and then speaks no TLS', { startTls: 0 }],
    ['agrees, and then is silent', { startTls: 'mute' }],
  ]
  for (const [what, behaviour] of servers) {
    it(`${what}: cannot find out, and no password is sent`, async () => {
      const server = await FakeLdap.start({ 'user1@x': 'user1@y' })
      server.behave(behaviour)
      const bind = ['bind_dn = cn=haraka', 'bind_password = secret']
      const kind = await ask(
        `url = ${server.url}`,
        'base_dn = dc=fake',
        'start_tls = true',
        'tls_verify = false',
        'timeout = 0.3',
        ...bind,
      )
      assert.match(kind, /^failed: /u)
      assert.deepEqual(server.passwords, [])
      assert.equal(server.searches, 0)
      await server.stop()
    })
  }
})

describeWithServers(['slapd'], 'TLS to slapd', () => {
  let slapd: Slapd | undefined
  const { SSL_CERT_FILE: bundle } = process.env

  before(async function () {
    this.timeout(30_000)
    slapd = await Slapd.start({
      entries: `dn: cn=Anna,dc=corp,dc=example\nobjectClass: user\nproxyAddresses: SMTP:anna@x\n`,
    })
  })
  afterEach(() => {
    if (bundle === undefined) delete process.env['SSL_CERT_FILE']
    else process.env['SSL_CERT_FILE'] = bundle
  })
  after(() => slapd?.remove())

  const settings = (server: Slapd, url: string, ...more: string[]): string[] => [
    `url = ${url}`,
    `base_dn = ${server.baseDn}`,
    ...more,
  ]

  it("trusts the system's authorities, and no others", async () => {
    assert(slapd)
    assert.match(await ask(...settings(slapd, slapd.secureUrl)), /^failed: .*certificate/iu)
    process.env['SSL_CERT_FILE'] = slapd.certificates.ca
    assert.equal(await ask(...settings(slapd, slapd.secureUrl)), 'none')
  })

  it('checks the name of the server, also with StartTLS', async () => {
    assert(slapd)
    const ca = `tls_ca_file = ${slapd.certificates.ca}`
    const startTls = [`ldap://localhost:${slapd.port}`, 'start_tls = true', ca] as const
    assert.equal(await ask(...settings(slapd, ...startTls)), 'none')
    // the certificate is for localhost and 127.0.0.1
    const wrong = settings(slapd, `ldaps://127.0.0.2:${slapd.securePort}`, ca)
    assert.match(await ask(...wrong), /^failed: .*altnames/u)
    assert.equal(await ask(...wrong, 'tls_verify = false'), 'none')
  })
})
