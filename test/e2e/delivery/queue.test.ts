/**
 * The queue: all entries of a message or none, delivered under the configuration of the moment,
 * reported to the sender in full, and open to Haraka's own commands.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { findHaraka } from '../../../plugins/stage/staged-install.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { connectorSection, eventually, startDeliveryGateway, type Way } from './faults.js'

describe('the queue', function () {
  this.timeout(60_000)

  let unix: FaultServer
  let partner: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess
  let ways: Record<string, Way>

  before(async () => {
    unix = await FaultServer.start({ host: '127.0.0.2' })
    partner = await FaultServer.start({ host: '127.0.0.2' })
    sender = await FaultServer.start({ host: '127.0.0.3' })
    ways = {
      unix: { domains: ['unix.example'], smartHosts: unix.smartHost },
      partner: { domains: ['partner.example'], smartHosts: partner.smartHost },
      queued: {
        domains: ['queued.example'],
        smartHosts: unix.smartHost,
        settings: ['delivery = queue'],
      },
      reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
    }
    gateway = await startDeliveryGateway({ ways, shortWaits: true })
    // Haraka makes its queue folder while it starts
    await gateway.waitForLog(/files in my temp fail queue/u)
  })

  afterEach(async () => {
    for (const server of [unix, partner, sender]) server.change({})
    await eventually(async () => {
      const left = (await gateway.queue()).map(({ todo }) => String(todo['domain']))
      return left.length === 0 ? undefined : `still queued: ${left.join(', ')}`
    })
    for (const server of [unix, partner, sender]) {
      server.messages.length = 0
      server.seen.length = 0
      server.commands.length = 0
    }
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([unix, partner, sender].map((server) => server?.stop()))
  })

  const refuse = { rcpt: () => '550 5.1.1 unknown here' }
  const down = { banner: '421 4.3.2 down' }

  it('a disk that refuses: 450, and nothing is left behind', async () => {
    const queue = join(gateway.dir, 'queue')
    await rename(queue, `${queue}.away`)
    try {
      const to = ['a@unix.example', 'b@partner.example']
      const { data } = await send(gateway, { from: 'a@sender.example', to })
      assert.match(data?.text ?? '', /^450 4\.3\.1 /u)
    } finally {
      await rename(`${queue}.away`, queue)
    }
    assert.deepEqual(await readdir(queue), [])
    assert.equal(unix.messages.length + partner.messages.length, 0)
  })

  it('a disk that refuses while some recipients are deferred: nobody gets it', async () => {
    unix.change({
      rcpt: (address) => (address.startsWith('later') ? '450 4.2.0 locked' : undefined),
    })
    const queue = join(gateway.dir, 'queue')
    await rename(queue, `${queue}.away`)
    try {
      const to = ['ok@unix.example', 'later@unix.example']
      const { data } = await send(gateway, { from: 'a@sender.example', to })
      assert.match(data?.text ?? '', /^450 4\.3\.1 /u)
    } finally {
      await rename(`${queue}.away`, queue)
    }
    assert.equal(unix.messages.length, 0)
  })

  it('the report names the original recipient, the host and its words', async () => {
    unix.change(refuse)
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@sender.example', 'ENVID=q+2B1')
    await client.rcpt('no@queued.example', 'ORCPT=rfc822;first+2Bwritten@other.example')
    await client.data('Subject: hello\r\nX-Own: yes\r\n\r\nbody\r\n')
    await client.quit()
    await eventually(() => (sender.messages.length > 0 ? undefined : 'no report'))
    const [report] = sender.messages
    const text = report?.wire.toString() ?? ''
    assert.equal(report?.from, '')
    const [, status = ''] = text.split('Content-Type: message/delivery-status')
    for (const field of [
      /^Content-Type: multipart\/report; report-type=delivery-status;\r\n/mu,
      /^Auto-Submitted: auto-replied\r\n/mu,
      /^To: a@sender\.example\r\n/mu,
      /^X-Own: yes\r\n/mu,
    ]) {
      assert.match(text, field)
    }
    for (const field of [
      /^Reporting-MTA: dns; gateway\.example\r\n/mu,
      /^Original-Envelope-Id: q\+1\r\n/mu,
      /^Original-Recipient: rfc822;first\+written@other\.example\r\n/mu,
      /^Final-Recipient: rfc822;no@queued\.example\r\n/mu,
      /^Action: failed\r\nStatus: 5\.1\.1\r\nRemote-MTA: dns; 127\.0\.0\.2\r\n/mu,
      /^Diagnostic-Code: smtp; 550 5\.1\.1 unknown here\r\n/mu,
    ]) {
      assert.match(status, field)
    }
  })

  it('ORCPT and ENVID go to the next host', async () => {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@sender.example', 'RET=HDRS ENVID=q1')
    await client.rcpt('one@unix.example', 'ORCPT=rfc822;first@other.example')
    await client.rcpt('Two@unix.example')
    await client.data('Subject: hello\r\n\r\nbody\r\n')
    await client.quit()
    const said = unix.commands.filter((line) => /^(MAIL|RCPT)/u.test(line))
    assert.match(said[0] ?? '', / RET=HDRS ENVID=q1$/u)
    assert.deepEqual(said.slice(1), [
      'RCPT TO:<one@unix.example> ORCPT=rfc822;first@other.example',
      'RCPT TO:<Two@unix.example> ORCPT=rfc822;Two@unix.example',
    ])
  })

  it('NOTIFY=NEVER: nothing is reported', async () => {
    unix.change(refuse)
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@sender.example')
    await client.rcpt('never@queued.example', 'NOTIFY=NEVER')
    await client.data('Subject: hello\r\n\r\nbody\r\n')
    await client.quit()
    await gateway.waitForLog(/<never@queued\.example> connector:queued refused/u)
    await eventually(async () => ((await gateway.queue()).length === 0 ? undefined : 'queued'))
    assert.equal(sender.messages.length, 0)
  })

  it('a stranger who writes with <> to nobody leaves nothing behind', async () => {
    unix.change(refuse)
    await send(gateway, { from: '', to: ['stranger@queued.example'] })
    await gateway.waitForLog(/<stranger@queued\.example> unknown and the sender is <>/u)
    await eventually(async () => {
      const left = await readdir(join(gateway.dir, 'queue'))
      return left.length === 0 ? undefined : `left: ${left.join(', ')}`
    })
  })

  it('nobody can be told for <>: the message is kept', async () => {
    unix.change({ rcpt: () => '554 5.7.1 no mail from there' })
    const { data } = await send(gateway, { from: '', to: ['no@queued.example'] })
    assert.equal(data?.code, 250)
    const queue = join(gateway.dir, 'queue')
    const kept = async (): Promise<string[]> =>
      (await readdir(queue)).filter((name) => name.startsWith('error.'))
    await eventually(async () => ((await kept()).length === 1 ? undefined : 'nothing is kept'))
    const [name = ''] = await kept()
    assert.match(await readFile(join(queue, name), 'utf8'), /no@queued\.example/u)
    assert.equal(sender.messages.length, 0)
  })

  it('a connector that is gone is no reason to bounce', async () => {
    unix.change(down)
    await send(gateway, { from: 'a@sender.example', to: ['gone@queued.example'] })
    await gateway.waitForLog(/<gone@queued\.example> connector:queued unreachable/u)
    const { queued, ...others } = ways
    assert.ok(queued)
    const common = Object.entries(others).map(([name, way]) => connectorSection(name, way))
    const write = (name: string): Promise<void> =>
      gateway.writeConfig('connectors.ini', [...common, connectorSection(name, queued)].join('\n'))
    await write('renamed')
    await gateway.waitForLog(/read again and is in force/u, 20_000)
    unix.change({})
    await gateway.waitForLog(/connector queued is not in the configuration now/u, 20_000)
    assert.equal((await gateway.queue()).length, 1)
    await write('queued')
    await eventually(() => (unix.messages.length === 1 ? undefined : 'not delivered'), 25_000)
    assert.equal(sender.messages.length, 0)
  })

  it("Haraka's own commands list the entries, and load them again without harm", async () => {
    unix.change(down)
    await send(gateway, { from: 'a@sender.example', to: ['list@queued.example'] })
    await gateway.waitForLog(/<list@queued\.example> connector:queued unreachable/u)
    await eventually(async () => ((await gateway.queue()).length === 1 ? undefined : 'not queued'))
    const bin = join(findHaraka([__dirname]), 'bin', 'haraka')
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [bin, '-c', gateway.dir, '--qlist'])
    assert.match(stdout, /queued\.example/u)
    unix.change({ mail: { after: 1500, step: '250 2.1.0 ok' } })
    await run(process.execPath, [bin, '-c', gateway.dir, '--qunstick', 'queued.example'])
    await eventually(() => (unix.messages.length > 0 ? undefined : 'not delivered'))
    await eventually(async () => ((await gateway.queue()).length === 0 ? undefined : 'still there'))
    assert.equal(unix.messages.length, 1)
  })

  it('a client that hangs up before the final dot is sent: nothing half', async () => {
    unix.change({ mail: { after: 1500, step: '250 2.1.0 ok' } })
    await hangUp('a@unix.example')
    await gateway.waitForLog(/nothing was handed over/u)
    assert.equal(unix.seen.length, 0)
    assert.deepEqual(await gateway.queue(), [])
  })

  it('a client that hangs up after it: the message is delivered whole', async () => {
    unix.change({ dot: { after: 1000, step: '250 2.0.0 taken' } })
    await hangUp('a@unix.example')
    await gateway.waitForLog(/<a@unix\.example> connector:unix delivered/u)
    assert.equal(unix.messages.length, 1)
  })

  async function hangUp(to: string): Promise<void> {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@sender.example')
    await client.rcpt(to)
    await client.command('DATA')
    client.write('Subject: x\r\n\r\nbody\r\n.\r\n')
    await new Promise((resolve) => setTimeout(resolve, 400))
    client.close()
  }
})

describe('a queue that has tried long enough', function () {
  this.timeout(60_000)

  it('reports the delay once, then what could not be delivered', async () => {
    const unix = await FaultServer.start({
      host: '127.0.0.2',
      script: { banner: '421 4.3.2 down' },
    })
    const sender = await FaultServer.start({ host: '127.0.0.3' })
    const gateway = await startDeliveryGateway({
      ways: {
        unix: {
          domains: ['unix.example'],
          smartHosts: unix.smartHost,
          settings: ['warn_after = 1s', 'expire = 4s'],
        },
        reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
      },
    })
    try {
      const { data } = await send(gateway, { from: 'a@sender.example', to: ['a@unix.example'] })
      assert.equal(data?.code, 250)
      await eventually(() => (sender.messages.length > 1 ? undefined : 'no reports'))
      const [delayed, failed] = sender.messages.map(({ wire }) => wire.toString())
      assert.match(delayed ?? '', /^Action: delayed\r\nStatus: 4\.4\.1\r\n/mu)
      assert.match(delayed ?? '', /^Will-Retry-Until: /mu)
      const text = failed ?? ''
      assert.match(text, /^Action: failed\r\nStatus: 4\.4\.7\r\n/mu)
      assert.match(text, /^Diagnostic-Code: x-address-space; .*421 4\.3\.2 down/mu)
      await eventually(async () =>
        (await gateway.queue()).length === 0 ? undefined : 'still there',
      )
      assert.equal(sender.messages.length, 2)
    } finally {
      await gateway.stop()
      await Promise.all([unix, sender].map((server) => server.stop()))
    }
  })
})
