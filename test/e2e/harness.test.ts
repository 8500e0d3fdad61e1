/** The test harness itself, with Haraka's own plugins in place of ours. */
import assert from 'node:assert/strict'

import {
  Catcher,
  makeGateway,
  send,
  SmtpClient,
  startGateway,
  type GatewayProcess,
} from '../harness/haraka.js'

describe('harness', function () {
  this.timeout(60_000)

  let catcher: Catcher
  let gateway: GatewayProcess

  before(async () => {
    catcher = await Catcher.start({ host: '127.0.0.2' })
    gateway = await startGateway({
      plugins: ['rcpt_to.in_host_list', 'queue/smtp_forward'],
      config: {
        host_list: 'example.com\n',
        'smtp_forward.ini': `host=${catcher.host}\nport=${catcher.port}\n`,
      },
    })
  })

  afterEach(() => catcher.reset())

  after(async () => {
    await gateway.stop()
    await catcher.stop()
  })

  it('sends through a gateway to a catcher, a reply for each recipient', async () => {
    const outcome = await send(gateway, {
      from: 'a@client.example',
      to: ['b@example.com', 'c@elsewhere.example'],
      data: 'Subject: dots\r\n\r\n.\r\n..two\r\n',
    })
    assert.deepEqual(
      outcome.rcpt.map(({ code }) => code),
      [250, 550],
    )
    assert.equal(outcome.data?.code, 250)
    const [message] = await catcher.waitFor(1)
    assert.deepEqual([message?.from, message?.to], ['a@client.example', ['b@example.com']])
    assert.match(message?.raw.toString() ?? '', /\r\n\r\n\.\r\n\.\.two\r\n$/u)
  })

  it('hands on what a catcher replies', async () => {
    catcher.replyToRcpt('b@example.com', '550 5.1.1 nobody here')
    const outcome = await send(gateway, { from: 'a@client.example', to: ['b@example.com'] })
    assert.equal(outcome.data?.code, 550)
  })

  it('restarts on the same port, also after being killed', async () => {
    await gateway.kill()
    await assert.rejects(send(gateway, { from: '', to: ['b@example.com'] }), /ECONNREFUSED/u)
    await gateway.start()
    await gateway.restart()
    const client = await SmtpClient.connect(gateway, { localAddress: '127.0.0.9' })
    assert.equal(client.greeting.code, 220)
    const [ehlo, noop] = await client.pipeline(['EHLO client.example', 'NOOP'])
    assert.deepEqual([ehlo?.code, noop?.code], [250, 250])
    await client.quit()
    await gateway.waitForLog(/127\.0\.0\.9/u)
  })

  it('tells why Haraka did not start', async () => {
    const broken = await makeGateway({ plugins: ['no-such-plugin'] })
    await assert.rejects(broken.start(), /ended \(exit code 1\)[^]*no-such-plugin/u)
  })

  it('waits for every process of nodes=2', async () => {
    const cluster = await startGateway({ plugins: ['rcpt_to.in_host_list'], nodes: 2 })
    const outcome = await send(cluster, { from: '', to: ['b@example.com'] })
    assert.equal(outcome.rcpt[0]?.code, 550)
    await cluster.stop()
    await assert.rejects(send(cluster, { from: '', to: ['b@example.com'] }), /ECONNREFUSED/u)
  })

  it('catches over LMTP, a reply for each recipient after the final dot', async () => {
    const lmtp = await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' })
    lmtp.replyToRcpt('a@example.com', '251 2.1.5 forwarded')
    lmtp.replyToData('b@example.com', '452 4.2.2 full')
    const client = await SmtpClient.connect(lmtp)
    const commands = [
      'LHLO x',
      'MAIL FROM:<>',
      'RCPT TO:<a@example.com>',
      'RCPT TO:<b@example.com>',
    ]
    const replies = await client.pipeline(commands)
    assert.deepEqual(
      replies.map(({ code }) => code),
      [250, 250, 251, 250],
    )
    assert.equal((await client.data('Subject: x\r\n\r\n')).code, 250)
    assert.deepEqual((await client.reply()).text, '452 4.2.2 full')
    assert.deepEqual(lmtp.messages[0]?.to, ['a@example.com'])
    client.close()
    await lmtp.stop()
  })
})
