/**
 * Real next hosts: Postfix as the Unix system that shares a domain, Dovecot as the mailbox host,
 * over a port and over its socket.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Dovecot } from '../../../scripts/servers/dovecot.js'
import { Postfix } from '../../../scripts/servers/postfix.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { makeCertificateSet } from './certificates.js'
import { eventually, startDeliveryGateway } from './faults.js'

const users = ['anna@mailboxes.example', 'bob@mailboxes.example']

describeWithServers(
  ['postfix', 'dovecot', 'openssl'],
  'Postfix and Dovecot as next hosts',
  function () {
    this.timeout(60_000)

    let postfix: Postfix
    let dovecot: Dovecot
    let behind: FaultServer
    let sender: FaultServer
    let gateway: GatewayProcess

    before(async () => {
      behind = await FaultServer.start({ host: '127.0.0.4' })
      sender = await FaultServer.start({ host: '127.0.0.3' })
      const folder = tempDir('postfix-tls')
      const { good } = await makeCertificateSet(folder, '127.0.0.2')
      const pem = join(folder, 'server.pem')
      writeFileSync(pem, good.key + good.cert)
      postfix = await Postfix.start({
        host: '127.0.0.2',
        main: {
          relay_domains: 'unix.example',
          relay_recipient_maps: 'inline:{{ joe@unix.example = yes },{ moved@unix.example = yes }}',
          relocated_maps: 'inline:{{ moved@unix.example = elsewhere@other.example }}',
          relay_transport: `smtp:${behind.smartHost}`,
          smtpd_tls_security_level: 'may',
          smtpd_tls_chain_files: pem,
          smtpd_tls_loglevel: '1',
          smtpd_authorized_xclient_hosts: '127.0.0.0/8',
          message_size_limit: '500000',
        },
      })
      dovecot = await Dovecot.start({ host: '127.0.0.5', users })
      gateway = await startDeliveryGateway({
        shortWaits: true,
        ways: {
          unix: {
            domains: ['unix.example'],
            smartHosts: postfix.smartHost,
            settings: ['tls = required', 'xclient = true'],
          },
          mailboxes: {
            domains: ['mailboxes.example'],
            smartHosts: dovecot.smartHost,
          },
          socket: { domains: ['socket.example'], smartHosts: dovecot.socket },
          reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
        },
      })
    })

    after(async () => {
      await gateway?.stop()
      await Promise.all([postfix?.remove(), dovecot?.remove(), behind?.stop(), sender?.stop()])
    })

    const from = 'a@sender.example'

    it('Postfix takes mail over TLS and hands it on; ORCPT goes along', async () => {
      const { data } = await send(gateway, { from, to: ['joe@unix.example'] })
      assert.match(data?.text ?? '', /^250 2\.0\.0 Ok: (?:\d+ bytes )?queued as /u)
      await eventually(() => (behind.messages.length === 1 ? undefined : 'not handed on'))
      assert.match(postfix.log, /TLS connection established from/u)
      const rcpt = behind.commands.find((line) => line.startsWith('RCPT'))
      assert.match(rcpt ?? '', /ORCPT=rfc822;joe@unix\.example/u)
    })

    it('XCLIENT: Postfix sees the client, not this gateway', async () => {
      const helo = 'seen.client.example'
      await send(gateway, { from, to: ['joe@unix.example'], helo, localAddress: '127.0.0.77' })
      await eventually(() => {
        return /client=.*\[127\.0\.0\.77\]/u.test(postfix.log) ? undefined : 'not seen'
      })
    })

    it("Postfix's refusal is the client's, word for word", async () => {
      const { data } = await send(gateway, { from, to: ['nobody@unix.example'] })
      assert.match(
        data?.text ?? '',
        /^550 5\.1\.1 <nobody@unix\.example>: Recipient address rejected: User unknown/u,
      )
      const moved = await send(gateway, { from, to: ['moved@unix.example'] })
      assert.match(moved.data?.text ?? '', /^550 5\.1\.6 .*moved to elsewhere@other\.example/u)
    })

    it('too large for Postfix: refused with a clear word', async () => {
      const data = `Subject: x\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(10_000)}`
      const outcome = await send(gateway, { from, to: ['joe@unix.example'], data })
      assert.match(
        outcome.data?.text ?? '',
        /^550 5\.3\.4 .*exceeds the next host's limit of 500000/u,
      )
    })

    it('one message for both systems and for nobody there: each has its own fate', async () => {
      behind.messages.length = 0
      const to = ['joe@unix.example', ...users, 'nobody@mailboxes.example', 'nobody@unix.example']
      const data = 'Subject: for all\r\n\r\n.dot\r\ngr\u00fc\u00dfe\r\n'
      const outcome = await send(gateway, { from, to, data })
      assert.match(outcome.data?.text ?? '', /^250 2\.0\.0 queued/u)
      await eventually(async () => {
        const boxes = await Promise.all(users.map((user) => dovecot.mailbox(user)))
        return boxes.every((box) => box.length === 1) ? undefined : 'not in the mailboxes'
      })
      const [mail] = await dovecot.mailbox('anna@mailboxes.example')
      assert.match(mail?.toString() ?? '', /Subject: for all\r?\n\r?\n\.dot\r?\ngrüße\r?\n$/u)
      await eventually(() => (behind.messages.length === 1 ? undefined : 'not at Postfix'))
      await eventually(() => {
        const reported = sender.messages
          .flatMap(({ wire }) => wire.toString().match(/^Final-Recipient: .*$/gmu) ?? [])
          .sort()
        return reported.length === 2 ? undefined : `reported: ${reported.join(', ')}`
      })
      await eventually(async () =>
        (await gateway.queue()).length === 0 ? undefined : 'still queued',
      )
    })

    it('Dovecot by its socket, with its own words', async () => {
      const { data } = await send(gateway, { from, to: ['anna@socket.example'] })
      assert.match(data?.text ?? '', /^550 5\.1\.1 .*User doesn't exist: anna@socket\.example/u)
    })

    it('Dovecot is away: queued; when it is back, delivered', async () => {
      const before = (await dovecot.mailbox('bob@mailboxes.example')).length
      await dovecot.stop()
      const { data } = await send(gateway, { from, to: ['bob@mailboxes.example'] })
      assert.match(data?.text ?? '', /^250 2\.0\.0 queued/u)
      await dovecot.restart()
      await eventually(async () => {
        const now = (await dovecot.mailbox('bob@mailboxes.example')).length
        return now === before + 1 ? undefined : 'not delivered'
      })
    })
  },
)
