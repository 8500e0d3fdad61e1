/**
 * Postfix as the next system, configured as the article warns of: mail for users that it does not
 * know goes back to the gateway. Whether the connector knows the address that Postfix sends from or
 * not, the message returns once, its sender hears once, and nothing is left.
 */
import assert from 'node:assert/strict'

import { Postfix } from '../../../scripts/servers/postfix.js'
import { freePort } from '../../../plugins/stage/free-port.js'
import { Catcher, send, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import { describeWithServers } from '../../servers.js'
import { connector, drained, hops, pack, passages, sender, stranger } from './site.js'

const gatewayHost = '127.0.0.11'

describeWithServers(['postfix'], 'Postfix that sends unknown recipients back', () => {
  const cases = [
    { what: 'from an address that the connector knows', from: '127.0.0.2', code: '5.1.1' },
    { what: 'from an address that it does not know', from: '127.0.0.3', code: '5.4.6' },
  ]
  for (const { what, from, code } of cases) {
    describe(what, () => {
      let mailboxes: Catcher
      let home: Catcher
      let postfix: Postfix
      let gateway: GatewayProcess

      before(async function () {
        this.timeout(60_000)
        const port = await freePort(gatewayHost)
        mailboxes = await Catcher.start({ host: '127.0.0.4' })
        home = await Catcher.start({ host: '127.0.0.5' })
        const routes = [
          `{known@example.com = smtp:${mailboxes.smartHost}}`,
          `{example.com = smtp:[${gatewayHost}]:${port}}`,
          `{client.example = smtp:${home.smartHost}}`,
        ]
        postfix = await Postfix.start({
          host: '127.0.0.2',
          main: {
            relay_domains: 'example.com',
            transport_maps: `inline:{${routes.join(' ')}}`,
            smtp_bind_address: from,
          },
        })
        gateway = await startGateway({
          host: gatewayHost,
          port,
          plugins: pack,
          config: {
            'accepted-domains.ini': 'shared = example.com\npostmaster = postmaster@example.com\n',
            'directory.ini': '[corp]\nurl = file:people.csv\n',
            'people.csv':
              'dn,objectClass,proxyAddresses,targetAddress\n"CN=P",user,SMTP:postmaster@example.com,\n',
            'connectors.ini': connector('unix', 'example.com', postfix.smartHost),
          },
        })
      })
      after(async () => {
        await gateway.stop()
        await postfix.remove()
        await home.stop()
        await mailboxes.stop()
      })
      beforeEach(() => home.reset())

      it('known recipients arrive, once', async () => {
        await send(gateway, { from: sender, to: ['known@example.com'], localAddress: stranger })
        const [message] = await mailboxes.waitFor(1)
        await postfix.drained()
        assert.equal(hops(message?.raw ?? Buffer.of()), 2)
        assert.equal(await passages([gateway], 'known@example.com', 1), 1)
        assert.equal(mailboxes.messages.length, 1)
        assert.deepEqual(home.messages, [])
      })

      it('an unknown one returns once, and the sender gets one answer', async () => {
        const outcome = await send(gateway, {
          from: sender,
          to: ['nobody@example.com'],
          localAddress: stranger,
        })
        assert.equal(outcome.data?.code, 250)
        const [answer] = await home.waitFor(1)
        await postfix.drained()
        await drained([gateway])
        const text = answer?.raw.toString() ?? ''
        assert.match(text, new RegExp(`^Status: ${code.replaceAll('.', '\\.')}`, 'mu'))
        assert.match(text, /^Final-Recipient: rfc822; ?nobody@example\.com/mu)
        // the report's own, and those of the message that it returns: gateway and Postfix
        assert.equal(hops(answer?.raw ?? Buffer.of()), 1 + 2)
        assert.equal(answer?.from, '')
        assert.equal(await passages([gateway], 'nobody@example.com', 2), 2)
        assert.equal(home.messages.length, 1)
      })

      it('mail with an empty sender is not answered with more mail', async () => {
        const to = ['no-report@example.com']
        await send(gateway, { from: '', to, localAddress: stranger })
        assert.equal(await passages([gateway], 'no-report@example.com', 2), 2)
        await postfix.drained()
        await drained([gateway])
        assert.equal(await passages([gateway], 'no-report@example.com', 2), 2)
        assert.deepEqual(home.messages, [])
        assert.doesNotMatch(postfix.log, /to=<no-report@.*status=deferred/u)
      })
    })
  }
})
