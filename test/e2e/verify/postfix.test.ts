/**
 * The gateway beside Postfix with reject_unverified_recipient (unverified_recipient_reject_code = 550,
 * the rest as it comes), before the same hosts: what a client hears. The table stands in
 * docs/verify-recipients.md, which has to say what this test finds.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Postfix } from '../../../scripts/servers/postfix.js'
import { FaultServer, type Script } from '../../harness/fault-server.js'
import { SmtpClient, type GatewayProcess } from '../../harness/haraka.js'
import { describeWithServers } from '../../servers.js'
import { startVerifyingGateway } from './gateway.js'

type Options = Pick<FaultServer['options'], 'script' | 'limits'>

interface Situation {
  /** as the docs say it */
  readonly text: string
  readonly host: Options
  /** who is asked for, `anna` exists there */
  readonly user: 'anna' | 'nobody'
  /** what is heard at once and some seconds later */
  readonly gateway: string
  readonly postfix: string
}

const knows = (refusal: string, ...names: string[]): Script => ({
  rcpt: (address) =>
    names.includes(address.split('@', 1)[0]?.toLowerCase() ?? '') ? undefined : refusal,
})
const unknown = '550 5.1.1 no such user'
const edge = '550 5.4.1 Recipient address rejected: Access denied'

const situations: Record<string, Situation> = {
  honest: {
    text: 'an existing recipient',
    host: { script: knows(unknown, 'postmaster', 'anna') },
    user: 'anna',
    gateway: '250',
    postfix: '250',
  },
  typo: {
    text: 'an unknown one, `550 5.1.1`',
    host: { script: knows(unknown, 'postmaster', 'anna') },
    user: 'nobody',
    gateway: '550',
    postfix: '550',
  },
  cloud: {
    text: 'an unknown one at Exchange Online, `550 5.4.1`',
    host: { script: knows(edge, 'postmaster', 'anna') },
    user: 'nobody',
    gateway: '550',
    postfix: '550',
  },
  closed: {
    text: 'an existing one, `550 relay not permitted` to everybody',
    host: { script: { rcpt: () => '550 relay not permitted' } },
    user: 'anna',
    gateway: '250',
    postfix: '550',
  },
  blocked: {
    text: 'an existing one, `554 5.7.1 … blocked using …` to everybody',
    host: { script: { rcpt: () => '554 5.7.1 Client host blocked using zen.spamhaus.org' } },
    user: 'anna',
    gateway: '250',
    postfix: '550',
  },
  full: {
    text: 'an existing one whose mailbox is full, `552 5.2.2`',
    host: {
      script: {
        rcpt: (address) =>
          address.startsWith('anna')
            ? '552 5.2.2 mailbox full'
            : knows(unknown, 'postmaster').rcpt?.(address),
      },
    },
    user: 'anna',
    gateway: '250',
    postfix: '550',
  },
  nobounces: {
    text: 'an existing one, the null sender is refused at MAIL',
    host: {
      script: { mail: (line) => (line.includes('<>') ? '550 5.7.1 no bounces' : undefined) },
    },
    user: 'anna',
    gateway: '250',
    postfix: '250',
  },
  takesall: {
    text: 'an unknown one, the host takes everybody',
    host: {},
    user: 'nobody',
    gateway: '250',
    postfix: '250',
  },
  tarpit: {
    text: 'an unknown one after 12 s (a tarpit)',
    host: { script: knows(unknown, 'postmaster', 'anna'), limits: { tarpit: 12_000 } },
    user: 'nobody',
    gateway: '250, then 550',
    postfix: '450, then 550',
  },
  greylist: {
    text: 'an existing one, `450` from greylisting',
    host: { script: { rcpt: () => '450 4.2.0 greylisted' } },
    user: 'anna',
    gateway: '250',
    postfix: '450',
  },
  down: {
    text: 'an existing one, the host is down',
    host: { script: { banner: 'close' } },
    user: 'anna',
    gateway: '250',
    postfix: '450',
  },
}

describeWithServers(['postfix'], 'verify_recipients beside Postfix', function () {
  this.timeout(90_000)
  const hosts = new Map<string, FaultServer>()
  let gateway: GatewayProcess
  let postfix: Postfix
  const heard: Record<'gateway' | 'postfix', Record<string, string>> = { gateway: {}, postfix: {} }

  before(async () => {
    for (const [name, { host }] of Object.entries(situations)) {
      hosts.set(name, await FaultServer.start({ ...host, host: '127.0.0.2' }))
    }
    const smartHosts = Object.fromEntries([...hosts].map(([name, host]) => [name, host.smartHost]))
    gateway = await startVerifyingGateway(smartHosts)
    const domains = Object.keys(situations).map((name) => `${name}.example`)
    const transports = [...hosts].map(
      ([name, host]) => `{ ${name}.example = smtp:${host.smartHost} }`,
    )
    postfix = await Postfix.start({
      host: '127.0.0.3',
      main: {
        relay_domains: domains.join(', '),
        transport_maps: `inline:{${transports.join(', ')}}`,
        smtpd_relay_restrictions: 'permit_mynetworks, reject',
        smtpd_recipient_restrictions: 'reject_unverified_recipient',
        unverified_recipient_reject_code: '550',
        address_verify_map: '',
        smtp_connect_timeout: '2s',
      },
    })
    const ask = async (server: 'gateway' | 'postfix', name: string): Promise<string> => {
      const at = server === 'gateway' ? gateway : postfix
      const client = await SmtpClient.connect(at, { timeout: 30_000 })
      await client.ehlo()
      await client.mail('sender@client.example')
      const { code } = await client.rcpt(`${situations[name]?.user}@${name}.example`)
      await client.quit()
      return String(code)
    }
    const all = (['gateway', 'postfix'] as const).flatMap((server) =>
      Object.keys(situations).map((name) => ({ server, name })),
    )
    const first = await Promise.all(all.map(({ server, name }) => ask(server, name)))
    // the slowest host has answered whom it let wait
    await sleep(13_000)
    const second = await Promise.all(all.map(({ server, name }) => ask(server, name)))
    all.forEach(({ server, name }, at) => {
      const [a, b] = [first[at] ?? '', second[at] ?? '']
      heard[server][name] = a === b ? a : `${a}, then ${b}`
    })
  })
  after(async () => {
    await gateway.stop()
    await postfix.remove()
    for (const host of hosts.values()) await host.stop()
  })

  const page = readFileSync(join(__dirname, '../../../docs/verify-recipients.md'), 'utf8')
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))

  for (const [name, situation] of Object.entries(situations)) {
    it(`${situation.text}: ${situation.gateway}; Postfix: ${situation.postfix}`, () => {
      assert.equal(heard.gateway[name], situation.gateway)
      assert.equal(heard.postfix[name], situation.postfix)
      const row = rows.find((cells) => cells[1] === situation.text)
      assert.deepEqual(
        row?.slice(2, 4),
        [situation.gateway, situation.postfix],
        'the table of docs/verify-recipients.md says something else',
      )
    })
  }
})
