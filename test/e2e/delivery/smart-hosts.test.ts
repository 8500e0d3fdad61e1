/**
 * Smart hosts over SMTP: the load is shared, a host that fails is left alone and probed, sessions are
 * used again, bridgeheads take what they are for, and unknown recipients are asked for at RCPT.
 */
import assert from 'node:assert/strict'

import { FaultServer, type Script } from '../../harness/fault-server.js'
import { makeGateway, send, type GatewayProcess } from '../../harness/haraka.js'
import { connectorSection, eventually, startDeliveryGateway } from './faults.js'

const from = 'a@sender.example'

describe('smart hosts', function () {
  this.timeout(60_000)

  let hosts: FaultServer[]
  let gateway: GatewayProcess

  before(async () => {
    hosts = await Promise.all([1, 2, 3].map(() => FaultServer.start({ host: '127.0.0.2' })))
    const smartHosts = hosts.map(({ smartHost }) => smartHost).join(', ')
    gateway = await startDeliveryGateway({
      shortWaits: true,
      ways: { unix: { domains: ['unix.example'], smartHosts, settings: ['tls = none'] } },
    })
  })

  beforeEach(() => {
    for (const host of hosts) {
      host.change({})
      host.messages.length = 0
      host.memory.connections = 0
    }
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all(hosts.map((host) => host.stop()))
  })

  const deliver = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) {
      const { data } = await send(gateway, { from, to: ['a@unix.example'] })
      assert.match(data?.text ?? '', /^250 2\.0\.0 taken/u)
    }
  }
  const loads = (): number[] => hosts.map(({ messages }) => messages.length)

  it('share the load, over sessions that are used again', async () => {
    await deliver(60)
    assert.ok(
      loads().every((load) => load > 5),
      String(loads()),
    )
    assert.deepEqual(
      hosts.map(({ connections }) => connections),
      [1, 1, 1],
    )
  })

  it('one that fails is left alone, the others take its mail; later one message probes it', async () => {
    hosts[0]?.change({ banner: '421 4.3.2 down' })
    await deliver(20)
    assert.equal(loads()[0], 0)
    const tried = hosts[0]?.connections ?? 0
    assert.ok(tried >= 1 && tried <= 4, `${tried} connections to a host that is down`)
    hosts[0]?.change({})
    await eventually(async () => {
      await deliver(3)
      return (loads()[0] ?? 0) > 0 ? undefined : 'it gets no mail again'
    })
  })

  it('one that defers is passed over for one that does not', async () => {
    const defer: Script = { rcpt: () => '450 4.2.0 greylisted' }
    hosts[0]?.change(defer)
    hosts[1]?.change(defer)
    await deliver(10)
    assert.deepEqual(loads(), [0, 0, 10])
  })

  it('all of them refuse for good: the first one that is asked decides', async () => {
    for (const host of hosts) host.change({ rcpt: () => '550 5.1.1 unknown' })
    const { data } = await send(gateway, { from, to: ['a@unix.example'] })
    assert.match(data?.text ?? '', /^550 5\.1\.1 unknown/u)
    const asked = hosts.reduce((sum, { connections }) => sum + connections, 0)
    assert.equal(asked, 1)
  })
})

describe('bridgeheads', function () {
  this.timeout(60_000)

  it('take what goes to their connector from the gateways that are none', async () => {
    const next = await FaultServer.start({ host: '127.0.0.2' })
    const bridgehead = await FaultServer.start({ host: '127.0.0.3' })
    const way = (bridgeheads: string) => ({
      domains: ['unix.example'],
      smartHosts: next.smartHost,
      settings: [`bridgeheads = ${bridgeheads}`],
    })
    const gateway = await startDeliveryGateway({ ways: { unix: way(bridgehead.smartHost) } })
    try {
      await send(gateway, { from, to: ['a@unix.example'] })
      assert.deepEqual([bridgehead.messages.length, next.messages.length], [1, 0])
      const ours = connectorSection('unix', way(`${bridgehead.smartHost}, [gateway.example]`))
      await gateway.writeConfig('connectors.ini', ours)
      await gateway.waitForLog(/read again and is in force/u)
      await send(gateway, { from, to: ['a@unix.example'] })
      assert.deepEqual([bridgehead.messages.length, next.messages.length], [1, 1])
    } finally {
      await gateway.stop()
      await Promise.all([next, bridgehead].map((server) => server.stop()))
    }
  })
})

describe('verify_recipients', function () {
  this.timeout(60_000)

  let host: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    host = await FaultServer.start({
      host: '127.0.0.2',
      script: {
        rcpt: (address) => (address === 'joe@example.com' ? undefined : '550 5.1.1 unknown'),
      },
    })
    gateway = await makeGateway({
      plugins: ['address-space/accepted-domains', 'address-space/connectors'],
      config: {
        'accepted-domains.ini': 'shared = example.com\npostmaster = joe@example.com\n',
        'directory.ini': '[corp]\nurl = file:people.csv\n',
        'people.csv': 'dn,objectClass,proxyAddresses\n"CN=A,DC=x",user,smtp:anna@example.com\n',
        'connectors.ini': connectorSection('unix', {
          domains: ['example.com'],
          smartHosts: host.smartHost,
          settings: ['verify_recipients = true', 'tls = none'],
        }),
      },
    })
    await gateway.start()
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  it('who the other system does not know is refused at RCPT', async () => {
    const { rcpt } = await send(gateway, { from, to: ['joe@example.com', 'nobody@example.com'] })
    assert.deepEqual(
      rcpt.map(({ code, enhanced }) => [code, enhanced]),
      [
        [250, '2.1.5'],
        [550, '5.1.1'],
      ],
    )
  })

  it('while the other system is down, everybody is accepted', async () => {
    await host.stop()
    const { rcpt } = await send(gateway, { from, to: ['other@example.com'] })
    assert.equal(rcpt[0]?.code, 250)
  })
})
