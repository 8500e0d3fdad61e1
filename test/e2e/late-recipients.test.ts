/** Recipients that another plugin adds after RCPT are decided as if the client had named them. */
import assert from 'node:assert/strict'

import { freePort } from '../../plugins/stage/free-port.js'
import { eventually } from './delivery/faults.js'
import {
  Catcher,
  sampleMessage,
  send,
  startGateway,
  type GatewayProcess,
} from '../harness/haraka.js'

const adder = `
exports.hook_data_post = function (next, { transaction }) {
  const Address = transaction.rcpt_to[0].constructor
  for (const text of transaction.header.get_all('X-Add')) {
    transaction.rcpt_to.push(new Address('<' + text.trim() + '>'))
  }
  next()
}
`
const from = 'sender@client.example'

describe('a recipient that another plugin adds', () => {
  let unix: Catcher
  let remote: Catcher
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    unix = await Catcher.start({ host: '127.0.0.2' })
    remote = await Catcher.start({ host: '127.0.0.3' })
    gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
        'adder',
      ],
      pluginFiles: { 'adder.js': adder },
      config: {
        'accepted-domains.ini': `
authoritative = example.local
shared = example.com
relay = unix.example, remote.domain
postmaster = lotte@example.com
`,
        // the second is asked for whom the first does not know, and does not answer
        'directory.ini': `
[corp]
url = file:contacts.csv
[away]
url = ldap://127.0.0.1:${await freePort('127.0.0.1')}
base_dn = DC=example
`,
        'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Lotte",contact,SMTP:lotte@example.com,SMTP:Lotte@remote.domain
`,
        'connectors.ini': `
[unix]
address_spaces = unix.example
smart_hosts = ${unix.smartHost}
allow_relay = true
[remote]
address_spaces = example.com, remote.domain, client.example
smart_hosts = ${remote.smartHost}
`,
      },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const catcher of [unix, remote]) await catcher.stop()
  })
  beforeEach(() => {
    for (const catcher of [unix, remote]) catcher.reset()
  })

  const sendAdding = (...added: string[]): ReturnType<typeof send> => {
    const to = ['walter@unix.example']
    const fields = added.map((address) => `X-Add: ${address}\r\n`).join('')
    return send(gateway, { from, to, data: fields + sampleMessage({ from, to }) })
  }

  it('goes to its target if it is a contact', async () => {
    const { data } = await sendAdding('lotte@example.com')
    assert.equal(data?.code, 250, data?.text)
    const [message] = await remote.waitFor(1)
    assert.deepEqual(message?.to, ['Lotte@remote.domain'])
    await unix.waitFor(1)
  })

  it('gets it once, also if it leads where another leads', async () => {
    const { data } = await sendAdding('lotte@example.com', 'LOTTE@remote.domain')
    assert.equal(data?.code, 250, data?.text)
    const [message] = await remote.waitFor(1)
    assert.deepEqual(message?.to, ['Lotte@remote.domain'])
    await unix.waitFor(1)
    await eventually(async () => ((await gateway.queue()).length === 0 ? undefined : 'queued'))
  })

  it('defers the message if it cannot be looked up now', async () => {
    const { data } = await sendAdding('jo@example.local')
    assert.deepEqual([data?.code, data?.enhanced], [450, '4.4.3'])
    assert.deepEqual(await gateway.queue(), [])
    assert.deepEqual([...unix.messages, ...remote.messages], [])
  })

  it('is reported to the sender if it does not exist for good', async () => {
    const { data } = await sendAdding('who@foreign.example')
    assert.equal(data?.code, 250, data?.text)
    await unix.waitFor(1)
    const [report] = await remote.waitFor(1)
    assert.deepEqual(report?.to, [from])
    assert.match(report?.raw.toString() ?? '', /Final-Recipient: rfc822;who@foreign\.example/u)
  })
})
