/**
 * The fault table: for each way in which a host can fail, what the client hears, who has the
 * message, what is queued and what is reported, over SMTP with real Haraka. Then every host is mended,
 * and what was queued must arrive: in the end every recipient is in exactly one place.
 *
 * `ok@` is never refused by a host itself; `no@` and `later@` are where the script says so.
 */
import assert from 'node:assert/strict'

import { FaultServer, type Script, type TakenMessage } from '../../harness/fault-server.js'
import { SmtpClient, type GatewayProcess, type Reply } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway, type Way } from './faults.js'

interface Case {
  readonly script: Script
  readonly lmtp?: boolean
  readonly extensions?: readonly string[]
  /** of the client's MAIL command */
  readonly parameters?: string
  /** in front of the body */
  readonly text?: string
  /** octets of the message */
  readonly size?: number
  readonly to?: readonly string[]
  /** the gateway's answer to the final dot */
  readonly hears: RegExp
  readonly delivered?: readonly string[]
  readonly queued?: readonly string[]
  readonly reported?: readonly string[]
  /** the host may have taken it before: a duplicate is possible */
  readonly twice?: boolean
}

const queued = /^250 2\.0\.0 queued/u
const someRefused: Script = {
  rcpt: (address) =>
    address.startsWith('no@')
      ? '550 5.1.1 unknown here'
      : address.startsWith('later@')
        ? '450 4.2.1 greylisted'
        : undefined,
}
/** As a host does that takes one recipient a message: in the next one there is room. */
const onceTooMany = (reply: string): NonNullable<Script['rcpt']> => {
  let said = false
  return (address) => {
    if (said || !address.startsWith('no@')) return undefined
    said = true
    return reply
  }
}
const all = ['ok', 'no', 'later']

const cases: Record<string, Case> = {
  'nothing wrong': { script: {}, hears: /^250 2\.0\.0 taken/u, delivered: ['ok'] },
  'closes before the banner': { script: { banner: 'close' }, hears: queued, queued: ['ok'] },
  'no banner': { script: { banner: 'silent' }, hears: queued, queued: ['ok'] },
  'banner 421': { script: { banner: '421 4.3.2 busy' }, hears: queued, queued: ['ok'] },
  'banner 554': { script: { banner: '554 5.3.2 not you' }, hears: queued, queued: ['ok'] },
  'banner of 64 KB': {
    script: { banner: { raw: 'x'.repeat(65_536) } },
    hears: queued,
    queued: ['ok'],
  },
  'banner is garbage': { script: { banner: { raw: '\0\x01\r\n' } }, hears: queued, queued: ['ok'] },
  'banner in drips': {
    script: { banner: { drip: `220 ${'x'.repeat(60)}`, every: 1000 } },
    hears: queued,
    queued: ['ok'],
  },
  'EHLO and HELO refused': {
    script: { ehlo: '421 4.3.2 closing' },
    hears: queued,
    queued: ['ok'],
  },
  'EHLO unknown, HELO will do': {
    script: { ehlo: '502 5.5.1 what' },
    hears: /^250 /u,
    delivered: ['ok'],
  },
  'EHLO silent': { script: { ehlo: 'silent' }, hears: queued, queued: ['ok'] },
  'closes at EHLO': { script: { ehlo: 'close' }, hears: queued, queued: ['ok'] },
  'MAIL 4xx': {
    script: { mail: '451 4.7.1 not now' },
    hears: /^450 4\.7\.1 not now/u,
  },
  'MAIL 5xx': { script: { mail: '550 5.7.1 not you' }, hears: /^550 5\.7\.1 not you/u },
  'MAIL 5xx without PIPELINING': {
    script: { mail: '550 5.7.1 not you' },
    extensions: [],
    hears: /^550 5\.7\.1 not you/u,
  },
  'MAIL 530': {
    script: { mail: '530 5.7.0 Authentication required' },
    hears: queued,
    queued: ['ok'],
  },
  'RCPT 530': {
    script: { rcpt: () => '530 5.7.0 Must issue a STARTTLS command first' },
    hears: queued,
    queued: ['ok'],
  },
  'MAIL 421': { script: { mail: '421 4.3.2 closing' }, hears: queued, queued: ['ok'] },
  'closes at MAIL': { script: { mail: 'close' }, hears: queued, queued: ['ok'] },
  'MAIL garbage': {
    script: { mail: { raw: 'HTTP/1.1 200 OK\r\n' } },
    hears: queued,
    queued: ['ok'],
  },
  'some RCPT refused, some deferred': {
    script: someRefused,
    to: all,
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok'],
    queued: ['later'],
    reported: ['no'],
  },
  'the same without PIPELINING': {
    script: someRefused,
    extensions: [],
    to: all,
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok'],
    queued: ['later'],
    reported: ['no'],
  },
  'too many RCPT, with an enhanced code': {
    script: { rcpt: onceTooMany('552 5.5.3 too many recipients') },
    to: ['ok', 'no'],
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok', 'no'],
  },
  'too many RCPT, without one': {
    script: { rcpt: onceTooMany('552 too many recipients') },
    to: ['ok', 'no'],
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok', 'no'],
  },
  'RCPT 552, a full mailbox': {
    script: { rcpt: (to) => (to.startsWith('no@') ? '552 5.2.2 mailbox full' : undefined) },
    to: ['ok', 'no'],
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok'],
    reported: ['no'],
  },
  'no 8BITMIME, and the message is ASCII': {
    script: {},
    extensions: [],
    parameters: 'BODY=8BITMIME',
    hears: /^250 2\.0\.0 taken/u,
    delivered: ['ok'],
  },
  'no 8BITMIME, and the message needs it': {
    script: {},
    extensions: [],
    parameters: 'BODY=8BITMIME',
    text: 'gr\u00fc\u00dfe\r\n',
    hears: /^550 5\.6\.3 /u,
  },
  'too large for its SIZE': {
    script: {},
    extensions: ['SIZE 1000'],
    hears: /^550 5\.3\.4 /u,
  },
  'no SMTPUTF8, and the address needs it': {
    script: {},
    extensions: [],
    to: ['jörg'],
    parameters: 'SMTPUTF8',
    hears: /^550 5\.6\.7 /u,
  },
  SMTPUTF8: {
    script: {},
    to: ['jörg'],
    parameters: 'SMTPUTF8',
    hears: /^250 /u,
    delivered: ['jörg'],
  },
  'all RCPT refused': {
    script: { rcpt: () => '551 5.1.6 moved away' },
    to: ['no', 'later'],
    hears: /^550 5\.1\.6 moved away/u,
  },
  'all RCPT deferred': {
    script: { rcpt: () => '452 4.5.3 too many' },
    to: ['no', 'later'],
    hears: /^450 4\.5\.3 too many/u,
  },
  'RCPT refused and deferred': {
    script: someRefused,
    to: ['no', 'later'],
    hears: queued,
    queued: ['later'],
    reported: ['no'],
  },
  'RCPT 251': {
    script: { rcpt: () => '251 2.1.5 will forward' },
    hears: /^250 /u,
    delivered: ['ok'],
  },
  'RCPT 252': { script: { rcpt: () => '252 2.1.5 perhaps' }, hears: /^250 /u, delivered: ['ok'] },
  'RCPT silent': { script: { rcpt: () => 'silent' }, hears: queued, queued: ['ok'] },
  'closes at RCPT': { script: { rcpt: () => 'close' }, hears: queued, queued: ['ok'] },
  'DATA 4xx': { script: { data: '451 4.3.0 no room' }, hears: /^450 4\.3\.0 no room/u },
  'DATA 5xx': { script: { data: '554 5.6.0 no mail' }, hears: /^550 5\.6\.0 no mail/u },
  'DATA closed': { script: { data: 'close' }, hears: queued, queued: ['ok'] },
  'closes in the middle of the message': {
    script: { body: { after: 1000, step: 'close' } },
    hears: queued,
    queued: ['ok'],
  },
  'refuses in the middle of the message': {
    script: { body: { after: 1000, step: '552 5.3.4 too big' } },
    size: 16_000_000,
    hears: /^550 5\.3\.4 too big/u,
  },
  'reads no further in the middle of the message': {
    script: { body: { after: 1000, step: 'silent' } },
    // more than the sockets' buffers hold
    size: 16_000_000,
    hears: queued,
    queued: ['ok'],
  },
  '4xx after the dot': { script: { dot: '451 4.3.0 try again' }, hears: /^450 4\.3\.0 try again/u },
  '5xx after the dot': { script: { dot: '554 5.7.1 spam' }, hears: /^550 5\.7\.1 spam/u },
  '5xx after the dot, some RCPT deferred': {
    script: { ...someRefused, dot: '554 5.7.1 spam' },
    to: all,
    hears: queued,
    queued: ['later'],
    reported: ['ok', 'no'],
  },
  '4xx after the dot, some RCPT refused': {
    script: { ...someRefused, dot: '451 4.3.0 try again' },
    to: all,
    hears: queued,
    queued: ['ok', 'later'],
    reported: ['no'],
  },
  'closes after the dot': { script: { dot: 'close' }, hears: queued, queued: ['ok'], twice: true },
  'silent after the dot': { script: { dot: 'silent' }, hears: queued, queued: ['ok'], twice: true },
  'garbage after the dot': {
    script: { dot: { raw: '<html>\r\n' } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  '64 KB after the dot': {
    script: { dot: { raw: `250 ${'y'.repeat(65_536)}` } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  'drips after the dot': {
    script: { dot: { drip: `250 ${'z'.repeat(60)}`, every: 1000 } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  'LMTP, each recipient its own answer': {
    lmtp: true,
    script: {
      lmtpDot: (address) =>
        address.startsWith('no@')
          ? '552 5.2.2 mailbox full'
          : address.startsWith('later@')
            ? '450 4.2.0 locked'
            : undefined,
    },
    to: all,
    hears: /^250 /u,
    delivered: ['ok'],
    queued: ['later'],
    reported: ['no'],
  },
  'LMTP, closes after the first answer': {
    lmtp: true,
    script: { lmtpDot: (address) => (address.startsWith('ok@') ? undefined : 'close') },
    to: ['ok', 'later'],
    hears: /^250 /u,
    delivered: ['ok'],
    queued: ['later'],
    twice: true,
  },
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
