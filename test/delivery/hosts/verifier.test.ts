import assert from 'node:assert/strict'

import { Deliverer } from '../../../plugins/delivery/deliverer.js'
import { FaultServer, type Script } from '../../harness/fault-server.js'
import { setupOf } from '../setup.js'

const known = new Set(['anna@unix.example', 'bob@unix.example'])
const honest: Script = {
  rcpt: (address) => (known.has(address) ? undefined : '550 5.1.1 unknown'),
}

describe('asking a smart host about recipients', () => {
  let host: FaultServer
  let deliverer: Deliverer

  beforeEach(async () => {
    host = await FaultServer.start({ script: honest })
    const section = `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${host.smartHost}\ntls = none\n`
    deliverer = new Deliverer(setupOf({ connectors: section }))
  })

  afterEach(async () => {
    await deliverer.close()
    await host.stop()
  })

  const ask = async (recipient: string): Promise<string> =>
    (await deliverer.verify('unix', recipient)).answer
  const asked = (): number => host.commands.filter((line) => line.startsWith('RCPT')).length

  it('yes and no, over one session, each asked once', async () => {
    assert.equal(await ask('anna@unix.example'), 'yes')
    assert.equal(await ask('nobody@unix.example'), 'no')
    assert.equal(await ask('bob@unix.example'), 'yes')
    const before = asked()
    assert.equal(await ask('Anna@unix.example'), 'yes')
    assert.equal(await ask('nobody@unix.example'), 'no')
    assert.equal(asked(), before)
    assert.equal(host.connections, 1)
    assert.ok(host.commands.includes('MAIL FROM:<>'))
    assert.ok(!host.commands.includes('DATA'))
  })

  it('ten at once are asked once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('anna@unix.example')))
    assert.deepEqual(new Set(answers), new Set(['yes']))
    assert.equal(host.commands.filter((line) => line.includes('<anna@')).length, 1)
  })

  it('a host that takes everything is recognised and asked no more', async () => {
    host.change({})
    assert.equal(await ask('anna@unix.example'), 'unknown')
    const before = asked()
    assert.equal(await ask('nobody@unix.example'), 'unknown')
    assert.equal(asked(), before)
  })

  const unknown: [string, Script][] = [
    ['4xx', { rcpt: () => '450 4.2.0 later' }],
    ['a refusal that is not about the address', { rcpt: () => '554 5.7.1 relaying denied' }],
    ['a refusal of the null sender at RCPT', { rcpt: () => '550 5.1.7 no bounces' }],
    ['a refusal of the sender at RCPT', { rcpt: () => '553 5.1.8 no such sender' }],
    ['a refusal of the null sender', { mail: '550 5.7.1 no bounces' }],
    ['a host that closes', { mail: 'close' }],
    ['a host that is down', { banner: '421 4.3.2 down' }],
    ['garbage', { rcpt: () => ({ raw: '\0\r\n' }) }],
  ]
  for (const [name, script] of unknown) {
    it(`${name}: unknown`, async () => {
      host.change(script)
      assert.equal(await ask('anna@unix.example'), 'unknown')
    })
  }

  it('a host that refuses the null sender is not left alone for that', async () => {
    host.change({ mail: '550 5.7.1 no bounces' })
    assert.equal(await ask('anna@unix.example'), 'unknown')
    assert.ok(deliverer.hosts().every(({ condition }) => condition === 'well'))
    assert.equal(host.connections, 1)
  })

  it('an address beyond ASCII is asked for with SMTPUTF8', async () => {
    const mail = (line: string) => (line.includes('SMTPUTF8') ? undefined : '501 5.5.4 no SMTPUTF8')
    host.change({
      mail,
      rcpt: (address) => (address === 'josé@unix.example' ? undefined : '550 5.1.1 no'),
    })
    assert.equal(await ask('josé@unix.example'), 'yes')
  })

  it('251 is yes, 550 without an enhanced code is no', async () => {
    host.change({ rcpt: (address) => (known.has(address) ? '251 will forward' : '550 who') })
    assert.equal(await ask('anna@unix.example'), 'yes')
    assert.equal(await ask('x@unix.example'), 'no')
  })

  it('a host that never answers: unknown within seconds', async function () {
    this.timeout(15_000)
    host.change({ rcpt: () => 'silent' })
    const start = Date.now()
    assert.equal(await ask('anna@unix.example'), 'unknown')
    assert.ok(Date.now() - start < 9000)
  })

  it('a connector that is gone: unknown', async () => {
    assert.equal((await deliverer.verify('gone', 'a@b.example')).answer, 'unknown')
  })

  it('addresses of the smart hosts', async () => {
    assert.deepEqual(await deliverer.addressesOf('unix'), [host.host])
    assert.deepEqual(await deliverer.addressesOf('gone'), [])
  })
})
