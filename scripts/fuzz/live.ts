/**
 * A gateway of the pack between clients and hosts that do whatever chance says: commands and parameters,
 * messages, replies of hosts, answers of LDAP servers, entries of the queue.
 *
 * What has to hold: Haraka lives; nothing waits longer than its limit; an honest recipient is never refused for
 * good unless a host said so; every message that got 250 is with a host, in the queue, or reported.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FaultServer, type Script, type Step } from '../../test/harness/fault-server.js'
import { startGateway, type GatewayProcess } from '../../test/harness/haraka.js'
import { SmtpClient } from '../../plugins/stage/smtp-client.js'
import { pieces, type Chance } from './random.js'

// milliseconds: 50 s for a message to go out, 4 minutes for the answer to its dot, some for a machine under load
const limit = 310_000
const honest = ['anna@example.com', 'walter@example.com', 'bert@example.com']

export interface Finding {
  readonly what: string
  readonly detail: string
}

export class Live {
  rounds = 0
  accepted = 0
  restarts = 0
  private readonly gateway: GatewayProcess
  private readonly unix: FaultServer
  private readonly boxes: FaultServer
  private readonly marks = new Set<string>()
  private number = 0

  private constructor(gateway: GatewayProcess, unix: FaultServer, boxes: FaultServer) {
    this.gateway = gateway
    this.unix = unix
    this.boxes = boxes
  }

  static async start(): Promise<Live> {
    const unix = await FaultServer.start({ host: '127.0.0.2' })
    const boxes = await FaultServer.start({ host: '127.0.0.4', lmtp: true })
    const gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      logLevel: 'notice',
      config: {
        'accepted-domains.ini': `authoritative = example.local
shared = example.com
postmaster = anna@example.com
recipient_delimiter = +
[harvesting]
reject_after = 0
delay = 0
`,
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${boxes.smartHost}\n`,
        'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,SMTP:anna@example.com,
"CN=Bert",contact,SMTP:bert@example.com,SMTP:bertil@example.com
`,
        'connectors.ini': `[unix]\naddress_spaces = example.com\nsmart_hosts = ${unix.smartHost}\nallow_relay = true\nretry = 5s\n`,
      },
    })
    return new Live(gateway, unix, boxes)
  }

  /** One round: the hosts behave as chance says, and clients say what it says. */
  async round(chance: Chance): Promise<Finding[]> {
    this.rounds += 1
    const words: string[] = []
    this.unix.change(script(chance, words))
    this.boxes.change(script(chance, words))
    const findings = await Promise.all([
      this.honestMail(chance, words),
      this.noise(chance),
      this.noise(chance),
    ])
    return [...findings.flat(), ...this.alive()]
  }

  /** The hosts are well again: what was accepted arrives, or is on its way. */
  async settle(): Promise<Finding[]> {
    this.unix.change({})
    this.boxes.change({})
    // an answer to the dot that got lost keeps a message in the queue for ten minutes: that counts
    const lost = (): string[] => {
      const inQueue = this.queueText()
      return this.missing().filter((mark) => !inQueue.includes(mark))
    }
    for (const end = Date.now() + 20_000; lost().length > 0 && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    return lost().map((mark) => ({ what: 'a message that got 250 is nowhere', detail: mark }))
  }

  /** Queue files with notes that nobody would write, and a restart. */
  async spoiltQueue(chance: Chance): Promise<Finding[]> {
    this.unix.change({ banner: '421 4.3.2 not now' })
    this.boxes.change({ banner: '421 4.3.2 not now' })
    await this.honestMail(chance, ['4'])
    await this.gateway.stop()
    const queue = join(this.gateway.dir, 'queue')
    const files = readdirSync(queue).filter((name) => /^\d+_/u.test(name))
    for (const name of files.slice(0, 5)) {
      const file = readFileSync(join(queue, name))
      const length = file.readUInt32BE(0)
      const todo = JSON.parse(file.toString('utf8', 4, 4 + length)) as Record<string, unknown>
      const notes = chance.spoil(todo['notes'], pieces)
      const spoilt = { ...todo, notes: typeof notes === 'object' && notes !== null ? notes : {} }
      const head = Buffer.from(JSON.stringify(spoilt))
      const size = Buffer.alloc(4)
      size.writeUInt32BE(head.length)
      const copy = name.replace(/_(\d+)_([^_]*)$/u, (_, counter: string, host: string) => {
        return `_${Number(counter) + 100_000 + chance.below(1_000_000)}_${host}`
      })
      writeFileSync(join(queue, copy), Buffer.concat([size, head, file.subarray(4 + length)]))
    }
    await this.gateway.start()
    this.restarts += 1
    this.unix.change({})
    this.boxes.change({})
    await new Promise((resolve) => setTimeout(resolve, 1500))
    return this.alive()
  }

  async stop(): Promise<void> {
    await this.gateway.stop()
    await this.unix.stop()
    await this.boxes.stop()
  }

  private alive(): Finding[] {
    const crash = this.gateway.logLines.find((line) =>
      /Caught exception|hook \w+ failed|hook \w+ took longer/u.test(line),
    )
    const findings: Finding[] = []
    if (crash !== undefined) {
      const at = this.gateway.logLines.indexOf(crash)
      findings.push({
        what: 'a fault in the log',
        detail: this.gateway.logLines.splice(at, 8).join('\n'),
      })
    }
    if (this.gateway.pid === undefined) {
      findings.push({ what: 'Haraka has ended', detail: this.gateway.log.slice(-3000) })
    }
    return findings
  }

  private missing(): string[] {
    const arrived = [...this.unix.messages, ...this.boxes.messages]
      .map(({ wire }) => wire.toString('latin1'))
      .join('\n')
    return [...this.marks].filter((mark) => !arrived.includes(mark))
  }

  private queueText(): string {
    const queue = join(this.gateway.dir, 'queue')
    return readdirSync(queue, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => {
        try {
          return readFileSync(join(queue, name), 'latin1')
        } catch {
          // it has just been delivered, or has got another name
          return ''
        }
      })
      .join('\n')
  }

  /** A message as it should be; its fate may only be what the hosts said. */
  private async honestMail(chance: Chance, words: readonly string[]): Promise<Finding[]> {
    const mark = `mark-${(this.number += 1)}-${chance.below(1e9)}.`
    const to = honest.filter(() => chance.once(2))
    if (to.length === 0) to.push('anna@example.com')
    const said: string[] = []
    const started = performance.now()
    const mayRefuse = words.some((word) => word.includes('5'))
    let client: SmtpClient | undefined
    try {
      client = await SmtpClient.connect(this.gateway, { timeout: limit })
      await client.ehlo()
      said.push((await client.mail('sender@client.example')).text)
      for (const address of to) said.push((await client.rcpt(address)).text)
      const { code, text } = await client.data(`Subject: ${mark}\r\n\r\n${mark}\r\n`)
      said.push(text)
      if (code === 250) {
        this.accepted += 1
        // a host that refused some has those reported, and some of it may be with nobody else
        if (!mayRefuse) this.marks.add(mark)
      }
    } catch (error) {
      return [{ what: 'no answer in time', detail: `${String(error)} after ${said.join(' | ')}` }]
    } finally {
      client?.close()
    }
    const wrong = said.find((reply) => reply.startsWith('5'))
    if (wrong !== undefined && !mayRefuse) {
      return [
        {
          what: 'refused for good, and no host said so',
          detail: `${wrong}; hosts: ${words.join(' | ')}`,
        },
      ]
    }
    const ms = performance.now() - started
    return ms > limit ? [{ what: 'took too long', detail: `${Math.round(ms)} ms` }] : []
  }

  /** Commands in any order, with anything in them. */
  private async noise(chance: Chance): Promise<Finding[]> {
    let client: SmtpClient | undefined
    try {
      client = await SmtpClient.connect(this.gateway, { timeout: 5000 })
      for (let lines = 1 + chance.below(12); lines > 0; lines -= 1) {
        const line = chance.once(2) ? command(chance) : chance.mutate(command(chance), pieces)
        client.write(Buffer.from(`${line}${chance.once(15) ? '' : '\r\n'}`))
        if (chance.once(2)) await client.reply().catch(() => undefined)
      }
    } catch {
      // the gateway may end what is no SMTP
    } finally {
      client?.close()
    }
    return []
  }
}

function command(chance: Chance): string {
  const address = chance.once(2) ? chance.pick(honest) : chance.text(pieces)
  return chance.pick([
    'EHLO client.example',
    `HELO ${chance.text(pieces, 2)}`,
    `MAIL FROM:<${address}>`,
    `MAIL FROM:<> SIZE=${chance.below(1e9)} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=${chance.text(pieces, 2)}`,
    `RCPT TO:<${address}>`,
    `RCPT TO:<${address}> NOTIFY=${chance.text(pieces, 2)} ORCPT=rfc822;${chance.text(pieces, 2)}`,
    'DATA',
    `Subject: ${chance.text(pieces)}`,
    '',
    '.',
    'RSET',
    'NOOP',
    'QUIT',
    `VRFY ${address}`,
    `STARTTLS ${chance.text(pieces, 1)}`,
    `AUTH PLAIN ${chance.text(pieces, 2)}`,
    `BDAT ${chance.below(100)} LAST`,
    `XCLIENT ADDR=${chance.text(pieces, 2)}`,
  ])
}

/** What a host says at each step; the words are kept, for whoever judges. */
function script(chance: Chance, words: string[]): Script {
  const step = (good: string): Step | undefined => {
    if (!chance.once(3)) return undefined
    const text = chance.pick([
      good,
      '250 2.0.0 ok',
      '251 2.1.5 forwarded',
      '252 2.1.5 perhaps',
      '354 go on',
      '421 4.3.2 bye',
      '450 4.2.1 later',
      '452 4.5.3 too many',
      '550 5.1.1 no such user',
      '554 5.7.1 no',
      '250-ok',
      '250',
      '99 x',
      chance.text(pieces, 3),
    ])
    words.push(text)
    if (chance.once(6)) return 'close'
    if (chance.once(4)) return { raw: Buffer.from(`${chance.mutate(text, pieces)}\r\n`) }
    if (chance.once(8)) return { drip: text, every: 5 }
    return text
  }
  const rcpt = Array.from({ length: 5 }, () => step('250 2.1.5 ok'))
  const lmtp = Array.from({ length: 5 }, () => step('250 2.0.0 ok'))
  let asked = 0
  let answered = 0
  const some = (name: keyof Script, good: string): { readonly dot?: Step } => {
    const chosen = step(good)
    return chosen === undefined ? {} : { [name]: chosen }
  }
  return {
    ...some('banner', '220 host'),
    ...some('ehlo', '250 host'),
    ...some('mail', '250 2.1.0 ok'),
    ...some('data', '354 go on'),
    ...whole(some('dot', '250 2.0.0 ok')),
    rcpt: () => rcpt[(asked += 1) % rcpt.length],
    lmtpDot: () => complete(lmtp[(answered += 1) % lmtp.length]),
  }
}

function whole(steps: { readonly dot?: Step }): object {
  const dot = complete(steps.dot)
  return dot === undefined ? {} : { dot }
}

/** The rest of an answer to the dot may be waited for four minutes: a round has no time for that. */
function complete(step: Step | undefined): Step | undefined {
  return typeof step === 'string' && /^\d{3}-/u.test(step)
    ? `${step}\r\n${step.slice(0, 3)} end`
    : step
}
