/** Loops where the connectors plugin works without accepted-domains, and with other plugins' recipients. */
import assert from 'node:assert/strict'

import { Catcher, send, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import { connector, drained, sender, stranger } from './site.js'

const unixAddress = '127.0.0.2'
const natAddress = '127.0.0.8'

/** Adds a recipient after the message has come, as an archive or an alias plugin may. */
const adds = `
exports.hook_data_post = function (next, connection) {
  const { transaction } = connection
  if (transaction.header.get('X-Copy')) {
    const Address = transaction.rcpt_to[0].constructor
    transaction.rcpt_to.push(new Address('<paul@example.com>'))
  }
  next()
}
`

describe('loops without accepted-domains', () => {
  for (const parts of [['connectors'], ['contacts', 'connectors']]) {
    describe(parts.join(' and '), () => {
      let unix: Catcher
      let home: Catcher
      let gateway: GatewayProcess

      before(async function () {
        this.timeout(30_000)
        unix = await Catcher.start({ host: unixAddress })
        home = await Catcher.start({ host: '127.0.0.5' })
        gateway = await startGateway({
          host: '127.0.0.11',
          plugins: [
            'rcpt_to.in_host_list',
            ...parts.map((part) => `address-space/${part}`),
            'adds',
          ],
          pluginFiles: { 'adds.js': adds },
          config: {
            host_list: 'example.com\nclient.example\n',
            'directory.ini': '[corp]\nurl = file:people.csv\n',
            'people.csv': 'dn,proxyAddresses\n"CN=Somebody",SMTP:somebody@elsewhere.example\n',
            'connectors.ini':
              connector('unix', 'example.com', unix.smartHost) +
              connector('home', 'client.example', home.smartHost),
          },
        })
      })
      after(async () => {
        await gateway.stop()
        await home.stop()
        await unix.stop()
      })
      beforeEach(() => {
        unix.reset()
        home.reset()
      })

      async function hand(to: string, at: string, data?: Buffer): Promise<unknown[]> {
        const mail = { from: sender, to: [to], localAddress: at, ...(data && { data }) }
        const outcome = await send(gateway, mail)
        const last = outcome.data ?? outcome.rcpt[0]
        return [last?.code, last?.enhanced]
      }

      it('what comes back is refused', async () => {
        assert.deepEqual(await hand('paul@example.com', stranger), [250, '2.0.0'])
        const [message] = await unix.waitFor(1)
        assert.deepEqual(await hand('paul@example.com', natAddress, message?.raw), [550, '5.4.6'])
        assert.deepEqual(await hand('paul@example.com', unixAddress), [550, '5.1.1'])
      })

      it('a recipient that another plugin adds later is found to loop, and reported', async () => {
        await hand('paul@example.com', stranger)
        const [message] = await unix.waitFor(1)
        const raw = Buffer.concat([Buffer.from('X-Copy: yes\r\n'), message?.raw ?? Buffer.of()])
        unix.reset()
        assert.equal((await hand('mary@example.com', natAddress, raw))[0], 250)
        const [[mary], [report]] = await Promise.all([unix.waitFor(1), home.waitFor(1)])
        await drained([gateway])
        assert.deepEqual(mary?.to, ['mary@example.com'])
        assert.match(report?.raw.toString() ?? '', /^Final-Recipient: rfc822; ?paul@example\.com/mu)
        assert.equal(unix.messages.length, 1)
      })
    })
  }
})
