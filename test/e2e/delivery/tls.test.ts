/**
 * TLS and AUTH to the next host: what was asked for is what happens. Each value of `tls` against
 * each kind of certificate, against a host whose STARTTLS was stripped, and against one where it
 * does not work; passwords go where they may, and nowhere else.
 */
import assert from 'node:assert/strict'

import { FaultServer, type FaultServerOptions } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { certificateKinds, makeCertificateSet, type CertificateSet } from './certificates.js'
import { eventually, startDeliveryGateway, type Way } from './faults.js'

type Fate = 'encrypted' | 'plain' | 'queued'

const host = '127.0.0.2'
const policies = ['none', 'opportunistic', 'required', 'verify'] as const

const table: Record<string, Record<(typeof policies)[number], Fate>> = {
  good: { none: 'plain', opportunistic: 'encrypted', required: 'encrypted', verify: 'encrypted' },
  expired: { none: 'plain', opportunistic: 'encrypted', required: 'encrypted', verify: 'queued' },
  'wrong name': {
    none: 'plain',
    opportunistic: 'encrypted',
    required: 'encrypted',
    verify: 'queued',
  },
  'self-signed': {
    none: 'plain',
    opportunistic: 'encrypted',
    required: 'encrypted',
    verify: 'queued',
  },
  'STARTTLS stripped': {
    none: 'plain',
    opportunistic: 'plain',
    required: 'queued',
    verify: 'queued',
  },
  'STARTTLS refused': {
    none: 'plain',
    opportunistic: 'plain',
    required: 'queued',
    verify: 'queued',
  },
  'handshake broken': {
    none: 'plain',
    opportunistic: 'plain',
    required: 'queued',
    verify: 'queued',
  },
  'speech injected before the handshake': {
    none: 'plain',
    opportunistic: 'plain',
    required: 'queued',
    verify: 'queued',
  },
}

interface AuthCase {
  readonly tls: (typeof policies)[number]
  readonly options: FaultServerOptions
  readonly fate: Fate
  /** what the host was told, at most */
  readonly user: string
}

describeWithServers(['openssl'], 'TLS and AUTH to the next host', function () {
  this.timeout(90_000)

  const servers = new Map<string, FaultServer>()
  const ways: Record<string, Way> = {}
  let gateway: GatewayProcess
  let certificates: CertificateSet
  let authCases: Record<string, AuthCase>

  before(async () => {
    certificates = await makeCertificateSet(tempDir('certificates'), host)
    for (const kind of Object.keys(table)) {
      for (const tls of policies) await addHost(`${kind} ${tls}`, tls, serverOptions(kind))
    }
    const tls = certificates.good
    const extensions = ['PIPELINING', '8BITMIME']
    authCases = {
      'PLAIN over TLS': {
        tls: 'required',
        options: { tls },
        fate: 'encrypted',
        user: 'gateway:kuchen-7731',
      },
      'LOGIN over TLS': {
        tls: 'required',
        options: { tls, extensions: [...extensions, 'AUTH LOGIN'] },
        fate: 'encrypted',
        user: 'gateway:kuchen-7731',
      },
      'in plain text where tls = none': {
        tls: 'none',
        options: {},
        fate: 'plain',
        user: 'gateway:kuchen-7731',
      },
      'not in plain text otherwise': {
        tls: 'opportunistic',
        options: {},
        fate: 'queued',
        user: '',
      },
      'not after a handshake that failed': {
        tls: 'opportunistic',
        options: { tls, script: { starttls: '454 4.7.0 no' } },
        fate: 'queued',
        user: '',
      },
      refused: {
        tls: 'required',
        options: { tls, script: { auth: '535 5.7.8 wrong' } },
        fate: 'queued',
        user: '',
      },
      'not offered': { tls: 'required', options: { tls, extensions }, fate: 'queued', user: '' },
    }
    for (const [name, { tls: policy, options }] of Object.entries(authCases)) {
      await addHost(`auth ${name}`, policy, options, [
        'auth_user = gateway',
        'auth_password_file = next-host.password',
      ])
    }
    gateway = await startDeliveryGateway({
      ways,
      shortWaits: true,
      env: { NODE_EXTRA_CA_CERTS: certificates.ca },
      secrets: { 'next-host.password': 'kuchen-7731\n' },
    })
    await Promise.all(
      [...servers.keys()].map(async (name) => {
        const { data } = await send(gateway, { from: 'a@b.example', to: [`a@${domainOf(name)}`] })
        assert.equal(data?.code, 250, `${name}: ${data?.text}`)
      }),
    )
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([...servers.values()].map((server) => server.stop()))
  })

  for (const [kind, fates] of Object.entries(table)) {
    for (const tls of policies) {
      it(`tls = ${tls}, ${kind}: ${fates[tls]}`, () => expectFate(`${kind} ${tls}`, fates[tls]))
    }
  }

  it('AUTH goes where it may, and mail waits where it may not', async () => {
    for (const [name, { fate, user }] of Object.entries(authCases)) {
      await expectFate(`auth ${name}`, fate)
      const server = servers.get(`auth ${name}`)
      assert.equal(server?.messages[0]?.user ?? '', user, name)
      if (fate === 'queued' && name !== 'refused') {
        assert.ok(!server?.commands.some((line) => line.startsWith('AUTH')), name)
      }
    }
    assert.ok(!gateway.log.includes('kuchen'), 'no password in the log')
  })

  async function expectFate(name: string, fate: Fate): Promise<void> {
    const server = servers.get(name)
    const [message] = server?.messages ?? []
    if (fate !== 'queued') {
      assert.equal(message?.secured, fate === 'encrypted')
      return
    }
    assert.equal(message, undefined)
    await eventually(async () => {
      const domains = (await gateway.queue()).map(({ todo }) => todo['domain'])
      return domains.includes(domainOf(name)) ? undefined : `${domainOf(name)} is not queued`
    })
  }

  async function addHost(
    name: string,
    tls: string,
    options: FaultServerOptions,
    settings: readonly string[] = [],
  ): Promise<void> {
    const server = await FaultServer.start({ host, ...options })
    servers.set(name, server)
    const { smartHost: smartHosts } = server
    ways[label(name)] = {
      domains: [domainOf(name)],
      smartHosts,
      settings: [`tls = ${tls}`, ...settings],
    }
  }

  function serverOptions(kind: string): FaultServerOptions {
    const known = certificateKinds.find((name) => name === kind)
    if (known) return { tls: certificates[known] }
    const tls = certificates.good
    switch (kind) {
      case 'STARTTLS refused':
        return { tls, script: { starttls: '454 4.7.0 not now' } }
      case 'handshake broken':
        return { tls, script: { starttls: '220 2.0.0 go on in plain text' } }
      case 'speech injected before the handshake':
        return { tls, script: { starttls: '220 2.0.0 go\r\n250 2.0.0 injected' } }
      default:
        return { tls: { ...tls, stripped: true } }
    }
  }
})

function label(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/gu, '-')
}

function domainOf(name: string): string {
  return `${label(name)}.example`
}
