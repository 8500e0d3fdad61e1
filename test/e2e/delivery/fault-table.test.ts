/**
 * The fault table: for each way in which a host can fail, what the client hears, who has the
 * message, what is queued and what is reported, over SMTP with real Haraka. Then every host is mended,
 * and what was queued must arrive: in the end every recipient is in exactly one place.
 *
 * `ok@` is never refused by a host itself; `no@` and `later@` are where the script says so.
 */
import assert from 'node:assert/strict'

import { FaultServer, type TakenMessage } from '../../harness/fault-server.js'
import { SmtpClient, type GatewayProcess, type Reply } from '../../harness/haraka.js'
import type { Case } from './fault-cases/case.js'
import { envelopeFaults } from './fault-cases/envelope.js'
import { messageFaults } from './fault-cases/message.js'
import { openingFaults } from './fault-cases/opening.js'
import { eventually, startDeliveryGateway, type Way } from './faults.js'
const cases: Readonly<Record<string, Case>> = {
  ...openingFaults,
  ...envelopeFaults,
  ...messageFaults,
}

const line = `${'.'.repeat(78)}\r\n`
const bodyOf = (size: number): string => line.repeat(size / line.length)

describe('the fault table', function () {
  this.timeout(120_000)

  const servers = new Map<string, FaultServer>()
  const replies = new Map<string, Reply | undefined>()
  let sender: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    sender = await FaultServer.start({ host: '127.0.0.3' })
    const ways: Record<string, Way> = {
      reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
    }
    for (const [name, { script, lmtp = false, extensions }] of Object.entries(cases)) {
      const options = { host: '127.0.0.2', script, lmtp }
      const server = await FaultServer.start({ ...options, ...(extensions && { extensions }) })
      servers.set(name, server)
      const settings = ['tls = none']
      ways[label(name)] = { domains: [domainOf(name)], smartHosts: server.smartHost, settings }
    }
    gateway = await startDeliveryGateway({ ways, shortWaits: true })
    await Promise.all(
      Object.entries(cases).map(
        async ([name, { to = ['ok'], size = 4000, text = '', parameters = '' }]) => {
          const addresses = to.map((user) => `${user}@${domainOf(name)}`)
          const data = `Subject: ${name}\r\n\r\n${text}${bodyOf(size)}`
          const from = `${label(name)}@sender.example`
          const outcome = await transmit({ from, to: addresses, data, parameters })
          replies.set(name, outcome)
        },
      ),
    )
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([sender, ...servers.values()].map((server) => server?.stop()))
  })

  for (const [name, expected] of Object.entries(cases)) {
    it(name, async () => {
      const server = servers.get(name)
      assert.ok(server)
      assert.match(replies.get(name)?.text ?? 'no reply', expected.hears)
      assert.deepEqual(users(server.messages), expected.delivered ?? [], 'delivered')
      // an entry that is just being renamed is not seen
      await eventually(async () => {
        const inQueue = (await queuedFor(name)).sort()
        const wanted = [...(expected.queued ?? [])].sort()
        return same(inQueue, wanted, 'in the queue')
      })
      await eventually(() => {
        return same(reportedTo(sender, name), expected.reported ?? [], 'reported')
      })
    })
  }

  async function transmit(mail: {
    readonly from: string
    readonly to: readonly string[]
    readonly data: string
    readonly parameters: string
  }): Promise<Reply> {
    const client = await SmtpClient.connect(gateway)
    try {
      await client.ehlo()
      const replies = [await client.mail(mail.from, mail.parameters)]
      for (const to of mail.to) replies.push(await client.rcpt(to))
      return replies.find(({ code }) => code !== 250) ?? (await client.data(mail.data))
    } finally {
      await client.quit()
    }
  }

  async function queuedFor(name: string): Promise<string[]> {
    const inQueue = (await gateway.queue()).flatMap(({ todo }) => recipientsOf(todo))
    return inQueue.filter((address) => address.endsWith(`@${domainOf(name)}`)).map(userOf)
  }

  it('once the hosts are mended, every recipient is in exactly one place', async () => {
    for (const server of servers.values()) server.script = {}
    await eventually(async () => {
      const left = (await gateway.queue()).flatMap(({ todo }) => recipientsOf(todo))
      return left.length === 0 ? undefined : `still queued: ${left.join(', ')}`
    }, 60_000)
    for (const [name, expected] of Object.entries(cases)) {
      const wanted = [...(expected.delivered ?? []), ...(expected.queued ?? [])].sort()
      const got = users(servers.get(name)?.messages ?? []).sort()
      assert.deepEqual(expected.twice ? [...new Set(got)] : got, wanted, name)
    }
    const sent = new Set(sender.messages.map(({ to }) => to.join(',')))
    assert.equal(sent.size, sender.messages.length, 'nothing is reported twice')
  })
})

function same(got: readonly string[], wanted: readonly string[], what: string): string | undefined {
  if (String(got) === String(wanted)) return undefined
  return `expected ${wanted.join(', ') || 'nobody'} ${what}, got ${got.join(', ') || 'nobody'}`
}

function label(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/gu, '-')
}

function domainOf(name: string): string {
  return `${label(name)}.example`
}

function userOf(address: string): string {
  return address.split('@', 1)[0] ?? ''
}

function users(messages: readonly TakenMessage[]): string[] {
  return messages.flatMap(({ to }) => to.map(userOf))
}

function recipientsOf(todo: Record<string, unknown>): string[] {
  const recipients = todo['rcpt_to'] as { user: string; host: string }[]
  return recipients.map(({ user, host }) => `${user}@${host}`)
}

function reportedTo(sender: FaultServer, name: string): string[] {
  return sender.messages
    .filter(({ from, to }) => from === '' && to.includes(`${label(name)}@sender.example`))
    .flatMap(({ wire }) => wire.toString().match(/^Final-Recipient: rfc822;.*$/gmu) ?? [])
    .map((line) => userOf(line.slice('Final-Recipient: rfc822;'.length)))
}
