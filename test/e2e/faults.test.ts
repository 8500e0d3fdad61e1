/** What breaks inside or beside the gateway costs a temporary answer, never the gateway. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import { send, startGateway, type GatewayProcess } from '../harness/haraka.js'

const saboteur = `
exports.hook_rcpt = (next, connection, [address]) => {
  if (address.user === 'sabotage') {
    Object.defineProperty(connection.transaction, '_relaying', {
      get() { throw new Error('sabotage') },
    })
  }
  next()
}
`

describe('faults', () => {
  const sockets: Socket[] = []
  let silent: Server
  let gateway: GatewayProcess

  before(async function () {
    this.timeout(60_000)
    silent = createServer((socket) => sockets.push(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.5', resolve))
    const { port } = silent.address() as AddressInfo
    gateway = await startGateway({
      plugins: ['saboteur', 'address-space/accepted-domains', 'address-space/contacts'],
      pluginFiles: { 'saboteur.js': saboteur },
      config: {
        'accepted-domains.ini': `
authoritative = example.com
postmaster = anna@example.com
`,
        'directory.ini': `
[file]
url = file:contacts.csv
[silent]
url = ldap://127.0.0.5:${port}
base_dn = DC=example
timeout = 1
`,
        'contacts.csv': 'dn,proxyAddresses\n"CN=Anna",SMTP:anna@example.com\n',
      },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
  })

  const answer = async (to: string): Promise<{ code: string; seconds: number }> => {
    const started = Date.now()
    const { rcpt } = await send(gateway, { from: 'sender@client.example', to: [to] })
    return {
      code: `${rcpt[0]?.code} ${rcpt[0]?.enhanced}`,
      seconds: (Date.now() - started) / 1000,
    }
  }

  it('a hook that throws: 450, and the next mail passes', async () => {
    const from = gateway.logLines.length
    assert.equal((await answer('sabotage@example.com')).code, '450 4.3.0')
    await gateway.waitForLog(/hook rcpt failed: Error: sabotage/u, 5000, from)
    assert.equal((await answer('anna@example.com')).code, '250 2.1.5')
  })

  it('a directory that never answers: 450 within its time-out and a second', async () => {
    const { code, seconds } = await answer('nobody@example.com')
    assert.equal(code, '450 4.4.3')
    assert.ok(seconds < 2, `${seconds} s`)
    assert.equal((await answer('anna@example.com')).code, '250 2.1.5')
  })
})
