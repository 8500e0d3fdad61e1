/**
 * Mailboxes that this Haraka delivers itself, with a queue plugin of its own. A report to one of them goes
 * to that plugin like any other mail, and never by MX: that would be this gateway, or another system.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FaultServer } from '../../harness/fault-server.js'
import { send, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { eventually } from './faults.js'
import { delivered, untilQueued, untilQueueIsEmpty } from './other-mail.js'

const people = `dn: cn=anna,dc=example
objectClass: user
proxyAddresses: SMTP:anna@example.com
mail: anna@example.com

`

// a client of the gateway's own machine may relay, as in most installs
const relaying = `exports.hook_connect = (next, connection) => {
  connection.relaying = true
  next()
}
`

/** Delivers mail for mailboxes into a folder; while there is a file \`closed\` it declines. */
const localQueue = `const { createWriteStream, existsSync, renameSync } = require('node:fs')
const folder = process.env.LOCAL_MAIL
exports.hook_queue = (next, connection) => {
  if (existsSync(folder + '/closed')) return next()
  const { uuid, mail_from, rcpt_to, message_stream } = connection.transaction
  const file = createWriteStream(folder + '/draft.' + uuid)
  file.write('from ' + mail_from.address + ' to ' + rcpt_to.map((one) => one.address) + '\\r\\n')
  file.on('finish', () => {
    renameSync(folder + '/draft.' + uuid, folder + '/mail.' + uuid)
    next(OK)
  })
  message_stream.pipe(file)
}
`

const unknownIsNo = {
  rcpt: (to: string) => (to.startsWith('no') ? '550 5.1.1 unknown here' : undefined),
}

for (const nodes of [0, 2]) {
  describe(`a report to a mailbox of this Haraka itself, nodes = ${nodes}`, function () {
    this.timeout(60_000)

    let unix: FaultServer
    let mx: FaultServer
    let gateway: GatewayProcess
    const folder = tempDir('local-mail')
    const closed = join(folder, 'closed')
    const mail = (): string[] =>
      readdirSync(folder)
        .filter((name) => name.startsWith('mail.'))
        .map((name) => readFileSync(join(folder, name), 'utf8'))

    before(async () => {
      unix = await FaultServer.start({ host: '127.0.0.2', script: unknownIsNo })
      mx = await FaultServer.start({ host: '127.0.0.3', script: unknownIsNo })
      gateway = await startGateway({
        nodes,
        env: { LOCAL_MAIL: folder },
        plugins: [
          'relaying',
          'next_hop',
          'address-space/accepted-domains',
          'address-space/connectors',
          'local_queue',
        ],
        pluginFiles: {
          'relaying.js': relaying,
          // every MX is this one: whatever goes by MX is seen there
          'next_hop.js': `exports.hook_get_mx = (next) => next(OK, { exchange: '${mx.host}', port: ${mx.port}, priority: 0 })\n`,
          'local_queue.js': localQueue,
        },
        config: {
          'accepted-domains.ini':
            'authoritative = example.com\nrelay = unix.example\npostmaster = anna@example.com\n',
          'people.ldif': people,
          'directory.ini': '[corp]\nurl = file:people.ldif\n',
          'connectors.ini': `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${unix.smartHost}\ndelivery = queue\nallow_relay = true\nretry = 2s\n`,
          'outbound.ini': 'temp_fail_intervals=5s*1000\n',
        },
      })
    })

    after(async () => {
      await gateway?.stop()
      await Promise.all([unix, mx].map((server) => server?.stop()))
    })

    beforeEach(() => {
      for (const name of readdirSync(folder)) rmSync(join(folder, name))
    })

    async function untilReported(recipient: string): Promise<void> {
      await eventually(() => (mail().length > 0 ? undefined : 'no report'))
      await untilQueueIsEmpty(gateway)
      const [report = '', ...more] = mail()
      assert.deepEqual(more, [])
      assert.match(report, /^from <?>? ?to anna@example\.com\r$/mu)
      assert.ok(report.includes('Content-Type: multipart/report'), report)
      assert.ok(report.includes(recipient), report)
      assert.deepEqual(delivered(mx), [], 'it went by MX')
    }

    it('made here: what a connector’s host has refused', async () => {
      const { data } = await send(gateway, { from: 'anna@example.com', to: ['no@unix.example'] })
      assert.equal(data?.code, 250, data?.text)
      await untilReported('no@unix.example')
    })

    it('made by Haraka: what the host of an MX has refused', async () => {
      const { data } = await send(gateway, { from: 'anna@example.com', to: ['no@else.example'] })
      assert.equal(data?.code, 250, data?.text)
      await untilReported('no@else.example')
    })

    it('no plugin takes it now: it waits with the reason, and circulates nowhere', async () => {
      writeFileSync(closed, '')
      const { data } = await send(gateway, { from: 'anna@example.com', to: ['no@unix.example'] })
      assert.equal(data?.code, 250, data?.text)
      await gateway.waitForLog(/<anna@example\.com> local:mailboxes deferred .*45\d /u)
      await untilQueued(gateway, 1)
      assert.deepEqual(mail(), [])
      assert.deepEqual(delivered(mx), [], 'it went by MX')
      assert.equal(existsSync(closed), true)
      const tries = gateway.logLines.filter((line) => line.includes('local:mailboxes deferred'))
      assert.equal(tries.length, 1, tries.join('\n'))
    })
  })
}
