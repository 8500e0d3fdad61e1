/**
 * A mailbox host by way of `mailbox_connector`, which knows us by our certificate and whom we know by its name:
 * the connector's certificate, authorities and `tls_name` hold for mailboxes as for everything else. Postfix is the
 * host, with an authority of the test's own. What may not be delivered waits.
 */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../plugins/stage/free-port.js'
import { Postfix } from '../../scripts/servers/postfix.js'
import { send, startGateway, type GatewayProcess } from '../harness/haraka.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'
import { Authority } from './identity/authority.js'

const boxes = 'boxes.example.net'
const from = 'sender@client.example'

/** Lines of the connector besides those that are right, by directory; each has the domain NAME.example. */
const ours = 'tls_cert_file = gate.pem\ntls_key_file = gate.key'
const connectors: Readonly<Record<string, string>> = {
  right: `tls_ca_file = ca.pem\ntls_name = ${boxes}\n${ours}`,
  name: `tls_ca_file = ca.pem\ntls_name = other.example.net\n${ours}`,
  nameless: `tls_ca_file = ca.pem\n${ours}`,
  authority: `tls_ca_file = other-ca.pem\ntls_name = ${boxes}\n${ours}`,
  stranger: `tls_ca_file = ca.pem\ntls_name = ${boxes}`,
}
const names = Object.keys(connectors)
// a host that is left alone because of one way to it is left alone: each has a place of its own
const hosts = names.map((_, index) => `127.0.0.${23 + index}`)

describeWithServers(['postfix', 'openssl'], 'a mailbox host with certificates', function () {
  this.timeout(90_000)
  let postfix: Postfix
  let gateway: GatewayProcess

  before(async () => {
    const folder = tempDir('boxes')
    chmodSync(folder, 0o755)
    for (const name of ['one', 'other']) mkdirSync(join(folder, name))
    const authority = await Authority.make(join(folder, 'one'))
    const other = await Authority.make(join(folder, 'other'))
    const [host, gate] = [await authority.issue(boxes), await authority.issue('gate.example.com')]
    const domains = names.map((name) => `${name}.example`).join(', ')
    const port = await freePort('127.0.0.23')
    postfix = await Postfix.start({
      host: '127.0.0.23',
      port,
      master: hosts.slice(1).map((one) => `${one}:${port} inet n - n - - smtpd`),
      main: {
        smtpd_tls_security_level: 'encrypt',
        smtpd_tls_loglevel: '1',
        smtpd_tls_cert_file: host.certFile,
        smtpd_tls_key_file: host.keyFile,
        smtpd_tls_CAfile: authority.caFile,
        smtpd_tls_req_ccert: 'yes',
        relay_domains: domains,
        transport_maps: `inline:{${names.map((name) => `{${name}.example = discard:}`).join(' ')}}`,
      },
    })
    gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'ca.pem': authority.ca,
        'other-ca.pem': other.ca,
        'gate.pem': gate.cert,
        'gate.key': gate.key,
        'accepted-domains.ini': `authoritative = ${domains}\npostmaster = anna@right.example\n`,
        'directory.ini': names
          .map((name) => `[${name}]\nurl = file:${name}.csv\nmailbox_connector = ${name}\n`)
          .join(''),
        ...Object.fromEntries(
          names.map((name) => [
            `${name}.csv`,
            `dn,objectClass,proxyAddresses\n"CN=Anna",user,SMTP:anna@${name}.example\n`,
          ]),
        ),
        'connectors.ini': names
          .map(
            (name, index) =>
              `[${name}]\nsmart_hosts = [${hosts[index]}]:${port}\ntls = verify\nehlo_name = gate.example.com\n${connectors[name]}\n`,
          )
          .join(''),
      },
    })
  })
  after(async () => {
    await gateway?.stop()
    await postfix?.remove()
  })

  it('takes a mailbox by the right name, authority and certificate', async () => {
    const outcome = await send(gateway, { from, to: ['anna@right.example'] })
    assert.equal(outcome.data?.code, 250, gateway.log)
    await gateway.waitForLog(/<anna@right\.example> \S+ delivered/u, 10_000)
    await postfix.drained()
    assert.match(postfix.log, /Trusted TLS connection established from/u)
    assert.match(postfix.log, /to=<anna@right\.example>.*status=sent/u)
  })

  const waits: readonly (readonly [name: string, what: string, reason: RegExp])[] = [
    ['name', 'the host has another name than tls_name', /altnames|does not match/u],
    [
      'nameless',
      'its certificate does not name its address, and no tls_name is set',
      /altnames|does not match/u,
    ],
    ['authority', 'its certificate is of another authority', /certificate/u],
    ['stranger', 'we show no certificate', /unreachable|deferred/u],
  ]
  for (const [name, what, reason] of waits) {
    it(`mail waits where ${what}`, async () => {
      const at = gateway.logLines.length
      const outcome = await send(gateway, { from, to: [`anna@${name}.example`] })
      assert.equal(outcome.data?.code, 250)
      await gateway.waitForLog(
        new RegExp(`(?=.*anna@${name}\\.example)(?=.*(?:${reason.source}))`, 'u'),
        20_000,
        at,
      )
      const waiting = await gateway.queue()
      assert.ok(
        waiting.some(({ todo }) => todo['domain'] === `${name}.example`),
        'it waits',
      )
      assert.doesNotMatch(postfix.log, new RegExp(`to=<anna@${name}\\.example>`, 'u'))
    })
  }
})
