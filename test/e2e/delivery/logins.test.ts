/**
 * One host, and several connectors that log in there each in its own way: a wrong password, or a certificate
 * that has not the name asked for, holds up the mail of that connector and nobody else's.
 */
import assert from 'node:assert/strict'

import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { makeCertificateSet } from './certificates.js'
import { startDeliveryGateway, type Way } from './faults.js'
import { addresses, delivered, OtherMail, untilDelivered, untilQueued } from './other-mail.js'

const ip = '127.0.0.2'
const from = 'a@sender.example'

describeWithServers(['openssl'], 'several logins at one host', function () {
  this.timeout(60_000)

  let host: FaultServer
  let gateway: GatewayProcess
  let accepted: (user: string) => boolean
  const logins = (user: string): string[] =>
    host.commands.filter((line) => {
      const plain = /^AUTH PLAIN (\S+)/u.exec(line)?.[1] ?? ''
      return Buffer.from(plain, 'base64').toString().startsWith(`\0${user}\0`)
    })

  before(async () => {
    const certificates = await makeCertificateSet(tempDir('certificates'), ip)
    host = await FaultServer.start({
      host: ip,
      tls: certificates.good,
      script: { auth: (user) => (accepted(user) ? undefined : '535 5.7.8 wrong') },
    })
    const way = (name: string, ...settings: string[]): Way => ({
      domains: [`${name}.example`],
      smartHosts: host.smartHost,
      settings,
    })
    const login = (user: string): string[] => [
      'tls = none',
      `auth_user = ${user}`,
      'auth_password_file = host.password',
    ]
    gateway = await startDeliveryGateway({
      env: { NODE_EXTRA_CA_CERTS: certificates.ca },
      secrets: { 'host.password': 'kuchen\n' },
      ways: {
        wrong: way('wrong', ...login('wrong')),
        right: way('right', ...login('right')),
        plain: way('plain', 'tls = none'),
        misnamed: way('misnamed', 'tls = verify', 'tls_name = other.example'),
      },
    })
  })

  beforeEach(() => {
    accepted = (user) => !user.startsWith('wrong:')
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  async function submit(to: string): Promise<string> {
    const { data } = await send(gateway, { from, to: [to] })
    return data?.text ?? ''
  }

  it('a wrong password keeps the mail of its connector, and of nobody else', async () => {
    const others = [
      new OtherMail(gateway, host, 'right.example', 100),
      new OtherMail(gateway, host, 'plain.example', 100),
    ]
    const waiting = addresses('user', 10, 'wrong.example')
    for (const to of waiting) assert.match(await submit(to), /queued/u)
    await untilQueued(gateway, waiting.length)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    for (const mail of others) await mail.finish(1000)
    // it is left alone by that connector, and not asked by each message again
    assert.ok(logins('wrong').length <= 5, `${logins('wrong').length} logins`)
    const lines = gateway.logLines.filter((line) => line.includes(`:${host.port} is left alone`))
    assert.equal(lines.length, 1, lines.join('\n'))
    assert.match(lines[0] ?? '', /by connector:wrong: AUTH: refused: 535 5\.7\.8 wrong/u)

    accepted = () => true
    await untilDelivered(host, waiting, 20_000)
    assert.deepEqual(
      delivered(host).filter((to) => to.endsWith('@wrong.example')),
      waiting.sort(),
    )
    await gateway.waitForLog(/takes connector:wrong again/u)
  })

  it('a certificate without the name that one connector asks for', async () => {
    const others = new OtherMail(gateway, host, 'right.example', 100)
    for (const to of addresses('user', 3, 'misnamed.example')) {
      assert.match(await submit(to), /queued/u)
    }
    await gateway.waitForLog(/is left alone for a while by connector:misnamed: TLS/u)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await others.finish(1000)
  })
})
