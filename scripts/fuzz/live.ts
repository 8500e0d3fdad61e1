/**
 * A gateway of the pack between clients and hosts that do whatever chance says: commands and parameters,
 * messages, replies of hosts, answers of LDAP servers, entries of the queue.
 *
 * What has to hold: Haraka lives; nothing waits longer than its limit; an honest recipient is never refused for
 * good unless a host said so; every message that got 250 is with a host, in the queue, or reported.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { FaultServer } from '../../test/harness/fault-server.js'
import { startGateway, type GatewayProcess } from '../../test/harness/haraka.js'
import { SmtpClient } from '../../plugins/stage/smtp-client.js'
import { logFindings } from './log-lines.js'
import { damageFrames, lostFrames, spoilNotes } from './queue-damage.js'
import type { Finding } from './finding.js'
import { pieces, type Chance } from './random.js'
import { command, honest, script } from './words.js'

// milliseconds: 50 s for a message to go out, 4 minutes for the answer to its dot, some for a machine under load
const limit = 310_000

export class Live {
  rounds = 0
  accepted = 0
  restarts = 0
  private readonly gateway: GatewayProcess
  private readonly unix: FaultServer
  private readonly boxes: FaultServer
  private readonly marks = new Set<string>()
  private number = 0
  /** lines of the log that were read back */
  private read = 0

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

  /** Queue files with notes that nobody would write, or damaged in their frame, and a restart. */
  async spoiltQueue(chance: Chance): Promise<Finding[]> {
    this.unix.change({ banner: '421 4.3.2 not now' })
    this.boxes.change({ banner: '421 4.3.2 not now' })
    await this.honestMail(chance, ['4'])
    await this.gateway.stop()
    const queue = join(this.gateway.dir, 'queue')
    spoilNotes(queue, chance)
    const damaged = damageFrames(queue, chance)
    await this.gateway.start()
    this.restarts += 1
    this.unix.change({})
    this.boxes.change({})
    await new Promise((resolve) => setTimeout(resolve, 1500))
    return [...this.alive(), ...lostFrames(queue, damaged)]
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
    findings.push(...logFindings(this.gateway.logLines.slice(this.read)))
    this.read = this.gateway.logLines.length
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
