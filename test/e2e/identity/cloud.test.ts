/**
 * A cloud as the other system, with the rules of Exchange Online's connectors acted out by Postfix: it takes
 * our mail by our certificate (else `550 5.7.64`), and its own mail comes from an address that all its
 * customers share, with a certificate that says it is that cloud.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Postfix } from '../../../scripts/servers/postfix.js'
import { Catcher, send, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { Authority, tlsPluginFiles, type Issued } from './authority.js'

const cloudAddress = '127.0.0.2'
const customers = '127.0.0.9'
const cloudName = 'mail.cloud.example'
const from = 'walter@example.com'

describeWithServers(['postfix', 'openssl'], 'a cloud that knows us by certificate', function () {
  this.timeout(90_000)
  const folder = tempDir('cloud')
  let authority: Authority
  let gate: Issued
  let postfix: Postfix
  let users: Catcher
  let gateway: GatewayProcess

  before(async () => {
    chmodSync(folder, 0o755)
    for (const name of ['one', 'other']) mkdirSync(join(folder, name))
    authority = await Authority.make(join(folder, 'one'))
    const other = await Authority.make(join(folder, 'other'))
    const [cloud, mx] = [await authority.issue(cloudName), await authority.issue('mx.example.com')]
    gate = await authority.issue('gate.example.com')
    const [forged, wrongGate] = [
      await other.issue(cloudName),
      await other.issue('gate.example.com'),
    ]
    users = await Catcher.start({ host: '127.0.0.3' })

    gateway = await startGateway({
      host: '127.0.0.11',
      plugins: [
        'tls',
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        ...tlsPluginFiles(mx, authority.ca),
        'cloud-ca.pem': authority.ca,
        'gate.pem': gate.cert,
        'gate.key': gate.key,
        'wrong.pem': wrongGate.cert,
        'wrong.key': wrongGate.key,
        'accepted-domains.ini': `shared = example.com, tenant.example, wrong.example, nameless.example
postmaster = admin@example.com
`,
        'directory.ini': '[corp]\nurl = file:people.csv\n',
        'people.csv':
          'dn,objectClass,proxyAddresses,targetAddress\n"CN=Admin",user,SMTP:admin@example.com,\n',
        // mail of these comes from elsewhere than it goes to
        'connectors.ini': `[cloud]
address_spaces = example.com, tenant.example, wrong.example, nameless.example
smart_hosts = ${users.smartHost}
allow_relay = true
sources = cert:${cloudName}
sender_domains = example.com
`,
      },
    })
    const transports = (name: string, { certFile, keyFile }: Issued): string =>
      `${name} unix - - n - - smtp -o smtp_tls_cert_file=${certFile} -o smtp_tls_key_file=${keyFile}`
    const toGateway = `[${gateway.host}]:${gateway.port}`
    const routes = ['genuine', 'forged'].map(
      (name) => `{${name}@example.com = ${name}:${toGateway}}`,
    )
    postfix = await Postfix.start({
      host: cloudAddress,
      main: {
        smtpd_tls_security_level: 'may',
        smtpd_tls_loglevel: '1',
        smtpd_tls_cert_file: cloud.certFile,
        smtpd_tls_key_file: cloud.keyFile,
        smtpd_tls_CAfile: authority.caFile,
        smtpd_tls_ask_ccert: 'yes',
        smtpd_client_restrictions:
          'permit_mynetworks, permit_tls_all_clientcerts, check_client_access static:{550 5.7.64 TenantAttribution; Relay Access Denied}',
        // the test itself plays the cloud's customers
        mynetworks: `${customers}/32`,
        relay_domains: 'example.com, tenant.example, wrong.example, nameless.example',
        transport_maps: `inline:{${routes.join(' ')} {tenant.example = discard:} {wrong.example = discard:}}`,
        smtp_tls_security_level: 'encrypt',
        smtp_tls_CAfile: authority.caFile,
      },
      master: [transports('genuine', cloud), transports('forged', forged)],
    })
    const tenant = (name: string, more: string): string => `[${name}]
address_spaces = ${name}.example
smart_hosts = ${postfix.smartHost}
allow_relay = true
tls = verify
tls_ca_file = cloud-ca.pem
ehlo_name = gate.example.com
${more}
`
    const at = gateway.logLines.length
    writeFileSync(
      join(gateway.dir, 'config', 'connectors.ini'),
      [
        `[cloud]
address_spaces = example.com
smart_hosts = ${users.smartHost}
allow_relay = true
sources = cert:${cloudName}
sender_domains = example.com
`,
        tenant(
          'tenant',
          `tls_name = ${cloudName}\ntls_cert_file = gate.pem\ntls_key_file = gate.key`,
        ),
        tenant(
          'wrong',
          `tls_name = ${cloudName}\ntls_cert_file = wrong.pem\ntls_key_file = wrong.key`,
        ),
        tenant('nameless', 'tls_cert_file = gate.pem\ntls_key_file = gate.key'),
      ].join(''),
    )
    await gateway.waitForLog(/was read again and is in force/u, 20_000, at)
  })
  after(async () => {
    await gateway.stop()
    await postfix.remove()
    await users.stop()
  })

  describe('our mail', () => {
    it('is taken with the right certificate, from the name we say', async () => {
      const outcome = await send(gateway, { from, to: ['anna@tenant.example'] })
      assert.equal(outcome.data?.code, 250)
      assert.match(postfix.log, /Trusted TLS connection established from .*127\.0\.0\.1/u)
    })

    it('is refused with a certificate of another authority', async () => {
      const outcome = await send(gateway, { from, to: ['anna@wrong.example'] })
      assert.match(outcome.data?.text ?? '', /^550 5\.7\.64 .*TenantAttribution/u)
      await gateway.waitForLog(
        /no inbound connector of the tenant names its certificate or its address/u,
      )
    })

    it('waits while the host has another name', async () => {
      const at = gateway.logLines.length
      const outcome = await send(gateway, { from, to: ['anna@nameless.example'] })
      assert.equal(outcome.data?.code, 250)
      await gateway.waitForLog(/nameless.*(?:altnames|does not match)/u, 20_000, at)
    })

    it('goes with a renewed certificate, without a restart', async () => {
      const renewed = await authority.issue('renewed.example.com')
      writeFileSync(join(gateway.dir, 'config', 'wrong.pem'), renewed.cert)
      writeFileSync(join(gateway.dir, 'config', 'wrong.key'), renewed.key)
      const outcome = await send(gateway, { from, to: ['anna@wrong.example'] })
      assert.equal(outcome.data?.code, 250)
    })
  })

  describe('its mail', () => {
    const told = async (sender: string, recipient: string): Promise<string> => {
      const at = postfix.log.length
      await send(postfix, { from: sender, to: [recipient], localAddress: customers })
      for (const end = Date.now() + 20_000; Date.now() < end;) {
        const line = new RegExp(`to=<${recipient}>.* status=.*`, 'u').exec(postfix.log.slice(at))
        if (line) return line[0]
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`Postfix says nothing of ${recipient}`)
    }

    it('is never handed back to it', async () => {
      assert.match(await told('anna@example.com', 'genuine@example.com'), /550 5\.1\.1/u)
    })

    it("of another customer is a stranger's", async () => {
      const at = users.messages.length
      assert.match(await told('eve@customer.example', 'genuine@example.com'), /status=sent/u)
      await users.waitFor(at + 1)
    })

    it("of nobody, which may be another customer's report, is a stranger's", async () => {
      assert.match(await told('', 'genuine@example.com'), /status=sent/u)
    })

    it("with a certificate that only says so is a stranger's", async () => {
      assert.match(await told('anna@example.com', 'forged@example.com'), /status=sent/u)
    })
  })
})
