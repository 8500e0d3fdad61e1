/**
 * The octets of a message arrive as they were sent, but for the trace and loop fields in front: over
 * SMTP through real Haraka, handed over directly, by way of the queue, and from the spool file.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { findHaraka } from '../../../plugins/stage/staged-install.js'
import { FaultServer } from '../../harness/fault-server.js'
import { SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway } from './faults.js'

const head = 'From: a@b.example\r\nSubject: x\r\n'
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

interface Message {
  readonly data: Buffer
  readonly helo?: true
  /** parameters of MAIL */
  readonly parameters?: string
  /** where the wire form differs: an empty line after the header that was missing */
  readonly arrives?: Buffer
}

const messages: Record<string, Message> = {
  plain: { data: latin1(`${head}\r\nbody\r\n`) },
  'dots at line starts': { data: latin1(`${head}\r\n.\r\n..\r\n.a\r\n\r\n.\r\n`) },
  'a header line that begins with a dot': { data: latin1(`${head}.X: y\r\n\r\nbody\r\n`) },
  'bare 8-bit in the body': { data: latin1(`${head}\r\n\xe4\xf6\xfc\xff\x80\r\n`) },
  'bare 8-bit in the header': {
    data: latin1(`Subject: gr\xfc\xdfe\r\n\tm\xf6hr\r\n${head}\r\nx\r\n`),
  },
  'bare 8-bit in the header after HELO': {
    helo: true,
    data: latin1(`Subject: gr\xfc\xdfe\r\n${head}\r\n\xfc\r\n`),
  },
  'UTF-8 in the header after HELO': {
    helo: true,
    data: Buffer.from(`Subject: größe\r\n${head}\r\n`),
  },
  'UTF-8 in the header': { data: Buffer.from(`Subject: größe\r\n${head}\r\nö\r\n`) },
  'UTF-8 with SMTPUTF8': {
    parameters: 'SMTPUTF8 BODY=8BITMIME',
    data: Buffer.from(`Subject: größe\r\n${head}\r\nö\r\n`),
  },
  'the replacement character itself': { data: Buffer.from(`Subject: \ufffd\r\n${head}\r\nx\r\n`) },
  'broken UTF-8 as long as its replacement': {
    data: latin1(`Subject: \xf0\x9f\x98\r\n${head}\r\nx\r\n`),
  },
  'long lines': { data: latin1(`${head}X: ${'h'.repeat(5000)}\r\n\r\n${'b'.repeat(50_000)}\r\n`) },
  'no final newline': { data: latin1(`${head}\r\nno end`) },
  'no body': { data: latin1(`${head}\r\n`) },
  'folded fields': { data: latin1(`${head}X: a\r\n b\r\n\tc\r\n  d \r\n\r\nx\r\n`) },
  'blanks at line ends': { data: latin1(`Subject: x  \r\n${head}\r\nx \t \r\n\r\n\r\n`) },
  'NUL and control characters': { data: latin1(`${head}\r\n\0\x01\x1a\x7f\r\n`) },
  '3,000 header lines': {
    data: latin1(
      `${head}${Array.from({ length: 1500 }, (_, at) => `X-${at}: ${at}\r\n folded\r\n`).join('')}\r\nx\r\n`,
    ),
  },
  'no empty line after the header': {
    data: latin1(`${head}this is no field \xe4\r\n.dot\r\n`),
    arrives: latin1(`${head}\r\nthis is no field \xe4\r\n..dot\r\n`),
  },
  'no field at all, and an empty line': {
    data: latin1(`this is no field\r\n\r\nend\r\n`),
  },
  'no field in 1,100 lines, and an empty line': {
    data: latin1(`${head}${'no field\r\n'.repeat(1100)}\r\nA: b\r\n\r\nend\r\n`),
  },
  'two megabytes without an empty line': {
    data: latin1(`${head}${'no field\r\n'.repeat(200_000)}`),
    arrives: latin1(`${head}\r\n${'no field\r\n'.repeat(200_000)}`),
  },
  'a header of 2 MB in 2,000 lines': {
    data: latin1(
      `${head}${Array.from({ length: 2000 }, (_, at) => `X-${at}: ${'h'.repeat(990)}\r\n`).join('')}X-Last: 1\r\n\r\nx\r\n`,
    ),
  },
  'a header of 400,000 lines': {
    data: latin1(`${head}${'X: 1\r\n'.repeat(400_000)}X-Last: 1\r\n\r\nx\r\n`),
  },
  'a megabyte': { data: latin1(`${head}\r\n${`${'x'.repeat(76)}\r\n`.repeat(13_000)}`) },
}

const ways = ['direct', 'queued'] as const

describe('the octets of a message', function () {
  this.timeout(60_000)

  let host: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    const own = await readFile(join(findHaraka([__dirname]), 'config', 'connection.ini'), 'utf8')
    host = await FaultServer.start({ host: '127.0.0.2' })
    const settings = ['tls = none']
    gateway = await startDeliveryGateway({
      ways: {
        direct: { domains: ['direct.example'], smartHosts: host.smartHost, settings },
        queued: {
          domains: ['queued.example'],
          smartHosts: host.smartHost,
          settings: [...settings, 'delivery = queue'],
        },
      },
      config: {
        // Haraka would break lines of more than 992 octets
        'connection.ini': own
          .replace(/^data_line_length=.*$/mu, 'data_line_length=1000000')
          .replace(/^;? ?spool_after=.*$/mu, 'spool_after=500000'),
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await host?.stop()
  })

  for (const way of ways) {
    for (const [name, message] of Object.entries(messages)) {
      it(`${way}: ${name}`, async () => {
        const to = `${name.replace(/\W+/gu, '-')}@${way}.example`
        await transmit(to, message)
        await eventually(() => (received(to) ? undefined : `nothing came to ${to}`))
        const wire = received(to)?.wire ?? Buffer.alloc(0)
        const expected = message.arrives ?? stuffed(message.data)
        const added = wire.subarray(0, Math.max(0, wire.length - expected.length)).toString()
        assert.equal(
          hash(wire.subarray(-expected.length)),
          hash(expected),
          JSON.stringify(wire.subarray(0, 2000).toString('latin1')),
        )
        assert.match(added, /^((Received|X-Address-Space-Loop): .*\r\n([ \t].*\r\n)*)+$/u)
        assert.equal(added.match(/^X-Address-Space-Loop: /gmu)?.length, 1)
        assert.equal(added.match(/^Received: /gmu)?.length, 1)
      })
    }
  }

  function received(to: string): { wire: Buffer } | undefined {
    return host.messages.find((message) => message.to.includes(to))
  }

  async function transmit(to: string, { data, helo, parameters = '' }: Message): Promise<void> {
    const client = await SmtpClient.connect(gateway)
    if (helo) await client.command('HELO client.example')
    else await client.ehlo()
    assert.equal((await client.mail('a@b.example', parameters)).code, 250)
    assert.equal((await client.rcpt(to)).code, 250)
    assert.equal((await client.data(data)).code, 250)
    await client.quit()
  }
})

function stuffed(data: Buffer): Buffer {
  const text = data.toString('latin1').replace(/^\./gmu, '..')
  return latin1(text.endsWith('\r\n') ? text : `${text}\r\n`)
}

function hash(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
