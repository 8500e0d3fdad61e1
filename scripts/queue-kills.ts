/**
 * Kills the gateway in the middle of what an administrator does to its queue: retry, pause, resume,
 * return, drop, adopt. Afterwards it is started again, and the hosts and the senders are counted:
 * nobody's mail is lost, and none comes twice, unless its host had all of it and the kill came before
 * the gateway could write that down. What the command said it had done is done.
 *
 *   npm run queue-kills                        5 rounds of each, with one process and with two
 *   npm run queue-kills -- --rounds 30 --nodes 2
 *
 * Exits 1 at the first message that is lost, doubled, or otherwise than the command had said.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { adopt, drop, giveBack, pause, resume, retry } from '../plugins/cli/queue/actions.js'
import { readPauses } from '../plugins/operations/pauses.js'
import { QueueReader } from '../plugins/operations/queue/queue-reader.js'
import { eventually, startDeliveryGateway } from '../test/e2e/delivery/faults.js'
import { FaultServer } from '../test/harness/fault-server.js'
import { send, type GatewayProcess } from '../test/harness/haraka.js'
import { writeEntry } from '../test/operations/queue-folder.js'
import { judge, verbs, type Outcome, type Verb } from './queue-kills/judge.js'
import { exitOnSignals } from './servers/at-exit.js'

export interface KillResult {
  readonly rounds: number
  /** commands that had said yes when the kill came, and those that had not */
  readonly done: number
  readonly cutOff: number
  /** copies of a message whose host had all of it when the kill came */
  readonly twiceByTheDot: number
  /** what must not be, in words */
  readonly faults: readonly string[]
}

const later = { rcpt: () => '450 4.2.1 come again' }
const place = 'connector:unix'
// milliseconds of the longest command
const longest = 120
const messages = 8

interface Round {
  readonly subjects: readonly string[]
  /** by subject, what the command said of it; absent: it was not asked for */
  readonly asked: ReadonlyMap<string, Outcome>
  readonly killedAt: number
}

export class QueueKills {
  private readonly gateway: GatewayProcess
  private readonly unix: FaultServer
  private readonly sender: FaultServer
  private round = 0
  private readonly faults: string[] = []
  private readonly counts = { done: 0, cutOff: 0, twiceByTheDot: 0 }

  private constructor(gateway: GatewayProcess, unix: FaultServer, sender: FaultServer) {
    this.gateway = gateway
    this.unix = unix
    this.sender = sender
  }

  static async start(nodes: number): Promise<QueueKills> {
    const unix = await FaultServer.start({ host: '127.0.0.2' })
    const sender = await FaultServer.start({ host: '127.0.0.4' })
    const gateway = await startDeliveryGateway({
      nodes,
      logLevel: 'notice',
      preload: ['short-uncertain.cjs'],
      ways: {
        unix: {
          domains: ['unix.example'],
          smartHosts: unix.smartHost,
          settings: ['retry = 1h', 'delivery = queue'],
        },
        sender: { domains: ['sender.example'], smartHosts: sender.smartHost },
      },
    })
    return new QueueKills(gateway, unix, sender)
  }

  async stop(): Promise<void> {
    await this.gateway.stop()
    await Promise.all([this.unix.stop(), this.sender.stop()])
  }

  async run(verb: Verb, rounds: number): Promise<KillResult> {
    Object.assign(this.counts, { done: 0, cutOff: 0, twiceByTheDot: 0 })
    this.faults.length = 0
    for (let count = 0; count < rounds; count++) {
      this.round++
      this.unix.messages.length = 0
      this.sender.messages.length = 0
      await this.killDuring(verb)
    }
    return { rounds, ...this.counts, faults: [...this.faults] }
  }

  private async killDuring(verb: Verb): Promise<void> {
    const dead = verb === 'adopt' ? mkdtempSync(join(tmpdir(), 'address-space-dead-')) : ''
    try {
      const subjects = verb === 'adopt' ? this.deadQueue(dead) : await this.waiting()
      if (verb === 'resume') await pause(this.gateway.dir, place, { reason: 'a test' })
      this.unix.change({})
      const round = await this.underFire(verb, subjects, dead)
      await this.gateway.start()
      await this.controlled()
      if (verb === 'pause' || verb === 'resume') await this.judgePause(verb, round)
      if (verb === 'adopt' && readdirSync(dead).length > 0) await adopt(this.gateway.dir, dead)
      await this.drain()
      this.count(verb, round)
      if (verb === 'adopt') this.expect(readdirSync(dead).length === 0, 'something is left there')
    } finally {
      if (dead !== '') rmSync(dead, { recursive: true, force: true })
    }
  }

  /** Starts what the administrator does, and kills the gateway at some moment of it. */
  private async underFire(verb: Verb, subjects: readonly string[], dead: string): Promise<Round> {
    const { dir } = this.gateway
    const asked = new Map<string, Outcome>()
    const entries = await new QueueReader(join(dir, 'queue')).entries()
    const commands: Promise<void>[] = []
    const start = (names: readonly string[], command: Promise<string>): void => {
      const tell = (outcome: Outcome): void => {
        for (const name of names) asked.set(name, outcome)
        this.counts[outcome === 'done' ? 'done' : 'cutOff']++
      }
      commands.push(command.then(() => tell('done')).catch(() => tell('cut off')))
    }
    if (verb === 'retry') start(subjects, retry(dir, place))
    if (verb === 'pause') start(subjects, pause(dir, place, { reason: 'a test' }))
    if (verb === 'resume') start(subjects, resume(dir, place))
    if (verb === 'adopt') start(subjects, adopt(dir, dead))
    if (verb === 'return' || verb === 'drop') {
      for (const { uuid, recipients } of entries.slice(0, messages / 2)) {
        const [subject = ''] = (recipients[0]?.recipient ?? '').split('@')
        const command = verb === 'return' ? giveBack(dir, uuid) : drop(dir, uuid, { yes: uuid })
        start([subject], command)
      }
    }
    await sleep(randomInt(longest))
    const killedAt = performance.now()
    await this.gateway.kill()
    await Promise.all(commands)
    return { subjects, asked, killedAt }
  }

  /** Mail that has been tried once and waits. */
  private async waiting(): Promise<string[]> {
    this.unix.change(later)
    const from = this.gateway.log.length
    const subjects = Array.from({ length: messages }, (_, at) => `r${this.round}m${at}`)
    for (const subject of subjects) {
      const to = [`${subject}@unix.example`]
      const data = `Subject: ${subject}\r\n\r\nbody\r\n`
      const { data: reply } = await send(this.gateway, { from: 'a@sender.example', to, data })
      if (reply?.code !== 250) throw new Error(`expected 250, got ${reply?.text ?? 'nothing'}`)
    }
    await eventually(() => {
      const tried = this.gateway.log.slice(from).match(/come again/gu)?.length ?? 0
      return tried >= messages ? undefined : `${tried} of ${messages} tried`
    })
    await this.settled()
    return subjects
  }

  /** All of them wait, under the names that they keep. */
  private async settled(): Promise<void> {
    let before = ''
    await eventually(async () => {
      const entries = await new QueueReader(join(this.gateway.dir, 'queue')).entries()
      const now = entries.map(({ name }) => name).join(' ')
      const same = now === before && entries.every(({ attempts }) => attempts > 0)
      before = now
      return same ? undefined : 'the queue changes'
    })
  }

  /** What a gateway left that is dead. */
  private deadQueue(folder: string): string[] {
    return Array.from({ length: messages * 3 }, (_, at) => {
      const subject = `r${this.round}m${at}`
      writeEntry(folder, {
        uuid: `5A6B7C8D-1111-2222-3333-${String(this.round * 1000 + at).padStart(12, '0')}.1.1`,
        place: { kind: 'connector', connector: 'unix' },
        sender: 'a@sender.example',
        recipients: [`${subject}@unix.example`],
        pid: 7_000_000,
        body: `Subject: ${subject}\r\n\r\nbody\r\n`,
      })
      return subject
    })
  }

  /** The control socket is there a moment after the port. */
  private async controlled(): Promise<void> {
    await eventually(async () => {
      const said = await retry(this.gateway.dir, 'sender')
      return said.startsWith('No gateway') ? said : undefined
    })
  }

  private async judgePause(verb: 'pause' | 'resume', { asked, subjects }: Round): Promise<void> {
    const paused = readPauses(join(this.gateway.dir, 'queue.control')).has(place)
    const done = [...asked.values()].includes('done')
    const wanted = verb === 'pause'
    this.expect(!done || paused === wanted, `${verb} was done, and after the start it is not so`)
    if (!paused) return
    const before = this.unix.messages.length
    await retry(this.gateway.dir, place)
    await sleep(300)
    this.expect(this.unix.messages.length === before, 'a paused place was delivered to')
    const copies = this.unix.messages.length
    const waits = (await new QueueReader(join(this.gateway.dir, 'queue')).entries()).length
    this.expect(waits + copies >= subjects.length, `${waits} wait, ${copies} are delivered`)
    await resume(this.gateway.dir, place)
  }

  /** Until nothing waits. */
  private async drain(): Promise<void> {
    let empty = 0
    await eventually(async () => {
      const entries = await new QueueReader(join(this.gateway.dir, 'queue')).entries()
      empty = entries.length === 0 ? empty + 1 : 0
      if (empty >= 3) return undefined
      // a report that was cut off between its two names waits as long as its message would have
      for (const name of new Set(entries.map((entry) => entry.place))) {
        await retry(this.gateway.dir, name).catch(() => undefined)
      }
      await sleep(100)
      return `left: ${entries.map(({ name }) => name).join(' ')}`
    }, 60_000)
  }

  private count(verb: Verb, round: Round): void {
    for (const subject of round.subjects) {
      const is = new RegExp(`^Subject: ${subject}\\r$`, 'mu')
      const isReport = new RegExp(`^Final-Recipient: rfc822;${subject}@unix\\.example\\r$`, 'mu')
      const timesOf = (host: FaultServer, words: RegExp): number[] =>
        host.messages.flatMap(({ wire, at }) => (words.test(wire.toString()) ? at : []))
      const { faults, twiceByTheDot } = judge(verb, {
        subject,
        outcome: round.asked.get(subject),
        copies: timesOf(this.unix, is),
        reports: timesOf(this.sender, isReport),
        killedAt: round.killedAt,
      })
      this.faults.push(...faults)
      this.counts.twiceByTheDot += twiceByTheDot
    }
  }

  private expect(holds: boolean, otherwise: string): void {
    if (!holds) this.faults.push(otherwise)
  }
}

export function formatKills(verb: Verb, nodes: number, result: KillResult): string {
  const { rounds, done, cutOff, twiceByTheDot, faults } = result
  return `${verb}, nodes=${nodes}: ${rounds} kills; ${done} commands done, ${cutOff} cut off; ${twiceByTheDot} doubled by a lost answer; ${faults.length} faults`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      nodes: { type: 'string', multiple: true, default: ['1', '2'] },
    },
  })
  for (const nodes of values.nodes.map(Number)) {
    const kills = await QueueKills.start(nodes)
    try {
      for (const verb of verbs) {
        const result = await kills.run(verb, Number(values.rounds))
        console.log(formatKills(verb, nodes, result))
        for (const fault of result.faults.slice(0, 20)) console.log(`  ${fault}`)
        if (result.faults.length > 0) process.exitCode = 1
      }
    } finally {
      await kills.stop()
    }
  }
}

if (require.main === module) {
  exitOnSignals()
  void main()
}
