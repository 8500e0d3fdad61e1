/**
 * verify_recipients: asks a smart host at RCPT whether it takes a recipient that only it knows, so
 * that the sender hears of a wrong address at once and no report goes to a forged one.
 *
 *   yes      the host takes it
 *   no       the host says that there is no such address, and is one that tells addresses apart
 *   unknown  the host is down, slow, puts us off or refuses for another reason; it takes or refuses
 *            everybody; too many questions wait: the mail is accepted
 *
 * A client waits five seconds at most, and less than one for the host's attention when many others
 * ask. The question goes on after that for a minute, and who asks next hears what it found. Someone whom the host takes is never kept waiting by anything else; only before
 * a `no` it has to be known whether the host's refusals mean something (belief.ts), which is asked at
 * the same time in a session of its own, once an hour and domain.
 */
import { randomUUID } from 'node:crypto'

import { errorText } from '../../basics/error-text.js'
import { inTime } from '../../basics/in-time.js'
import type { Connector } from '../../decision/connectors-config.js'
import type { Verification } from '../../mail/verification.js'
import { TargetError } from '../hosts/target.js'
import { beliefOf, describeBelief, type Belief, type Controls } from './belief.js'
import { ConnectorMemory, keyOf, type Question } from './memory.js'
import type { Patience } from './turns.js'
import { NotAskedError, wordsOf, type Answered } from './question.js'

/** A host that can be asked. */
export interface AskedHost {
  /** as logs name it */
  readonly name: string
  /** An answer for each; rejects with NotAskedError. */
  ask(recipients: readonly string[], patience: Patience): Promise<readonly Answered[]>
}

/** The hosts of a connector for a domain that may be asked now, in order. Rejects with TargetError. */
export type FindHosts = (connector: string, domain: string) => Promise<readonly AskedHost[]>

/** What is believed of a host. */
export interface BeliefState {
  readonly connector: string
  readonly host: string
  readonly domain: string
  readonly belief: Belief
}

export interface VerifierParts {
  readonly hosts: FindHosts
  readonly connector: (name: string) => Connector | undefined
  readonly log: { notice(text: string): void; warn(text: string): void }
  /** milliseconds; tests have less of them */
  readonly patience?: Partial<typeof patience>
}

const patience = { client: 5000, turn: 700, question: 60_000 }
/** questions under way for one connector */
const most = 2000
const hour = 3_600_000

export class Verifier {
  private readonly parts: VerifierParts
  private readonly patience: typeof patience
  private readonly memories = new Map<string, ConnectorMemory>()
  private readonly told = new Map<string, number>()

  constructor(parts: VerifierParts) {
    this.parts = parts
    this.patience = { ...patience, ...parts.patience }
  }

  /** Never rejects; answers within the client's patience. */
  verify(connector: string, recipient: string): Promise<Verification> {
    const memory = this.memoryOf(connector)
    if (!memory) return unknown('the connector is not in the configuration now')
    const key = recipient.toLowerCase()
    const domain = domainOf(key)
    const useless = memory.uselessFor(domain)
    if (useless) return unknown(`the host ${describeBelief(useless)}`)
    const known = memory.answer(key)
    if (known) {
      if (known.isStale && !memory.asking.has(key)) this.begin(memory, connector, recipient)
      return Promise.resolve(known.answer)
    }
    const question = memory.asking.get(key) ?? this.begin(memory, connector, recipient)
    return this.wait(question)
  }

  /** A host of the connector took somebody of the domain, for instance when mail was handed over. */
  sawTaken(name: string, recipient: string): void {
    if (this.parts.connector(name)?.verifyRecipients !== true) return
    this.memoryOf(name)?.sawTaken(domainOf(recipient.toLowerCase()))
  }

  /** What is believed of the hosts of connectors, for their own domains and not for made-up ones. */
  beliefs(): BeliefState[] {
    return [...this.memories].flatMap(([connector, memory]) =>
      memory
        .all()
        .filter(({ domain }) => this.isOwn(connector, domain))
        .map((state) => ({ ...state, connector })),
    )
  }

  private memoryOf(name: string): ConnectorMemory | undefined {
    const connector = this.parts.connector(name)
    if (!connector) {
      this.memories.delete(name)
      return undefined
    }
    // who is asked, and as whom: another certificate may be all that was missing
    const { smartHosts, bridgeheads, tls, authUser, authPasswordFile, identity } = connector
    const asked = [smartHosts, bridgeheads, tls, authUser, authPasswordFile, identity]
    const hosts = JSON.stringify(asked)
    const memory = this.memories.get(name)
    if (memory?.hosts === hosts) return memory
    const fresh = new ConnectorMemory(hosts)
    this.memories.set(name, fresh)
    return fresh
  }

  /** What the question finds in the time that a client has. */
  private async wait({ answer, isBegun }: Question): Promise<Verification> {
    const { client, turn } = this.patience
    const early = await inTime(answer, turn, () => undefined)
    if (early) return early
    return isBegun() ? inTime(answer, client - turn, slow) : crowded
  }

  private begin(memory: ConnectorMemory, connector: string, recipient: string): Question {
    if (memory.asking.size >= most)
      return { answer: Promise.resolve(crowded), isBegun: () => false }
    const key = recipient.toLowerCase()
    const started = performance.now()
    let begun = false
    const answer = this.ask(memory, connector, recipient, () => (begun = true))
      .catch(failed)
      .then((found) => {
        memory.asking.delete(key)
        memory.remember(key, found, performance.now() - started > this.patience.client / 2)
        return found
      })
    const question = { answer, isBegun: () => begun }
    memory.asking.set(key, question)
    return question
  }

  private async ask(
    memory: ConnectorMemory,
    connector: string,
    recipient: string,
    begun: () => void,
  ): Promise<Verification> {
    const domain = domainOf(recipient.toLowerCase())
    const wait = { ...this.waits(), begun }
    let reason = 'all hosts are left alone for now'
    for (const host of await this.parts.hosts(connector, domain)) {
      const find = { memory, connector, host, domain }
      if (memory.isDue(host.name, domain)) void this.findOut(find)
      try {
        const [answer] = await host.ask([recipient], wait)
        if (answer) return await this.judge(answer, find)
      } catch (error) {
        if (!(error instanceof NotAskedError)) throw error
        reason = `${host.name}: ${error.message}`
      }
    }
    return { kind: 'unknown', reason }
  }

  private async judge(answer: Answered, find: Find): Promise<Verification> {
    const { memory, host, domain } = find
    if (answer.about === 'taken') {
      memory.sawTaken(domain)
      return { kind: 'yes' }
    }
    const words = wordsOf(answer)
    if (answer.about !== 'address' && answer.about !== 'disabled') {
      return { kind: 'unknown', reason: `${host.name} answered ${words}` }
    }
    const belief = memory.belief(host.name, domain) ?? (await this.findOut(find))
    if (belief.kind === 'tells apart') return { kind: 'no', host: host.name, words }
    return { kind: 'unknown', reason: `${host.name} ${describeBelief(belief)}` }
  }

  /** What to believe of the host from now on; asked in the background, once at a time. Never rejects. */
  private findOut({ memory, connector, host, domain }: Find): Promise<Belief> {
    const key = keyOf(host.name, domain)
    const underWay = memory.controls.get(key)
    if (underWay) return underWay
    const found = askControls(host, domain, this.waits())
      .then((controls): Belief => {
        const belief = beliefOf(controls, memory.hasTaken(domain))
        const changed = memory.believe(host.name, domain, belief)
        if (changed) this.tell(connector, domain, host.name, belief)
        return belief
      })
      .catch((error: unknown): Belief => {
        // what was believed before stands; without that the next one to ask tries again
        const reason = errorText(error)
        return memory.belief(host.name, domain) ?? { kind: 'cannot say', reason }
      })
      .finally(() => memory.controls.delete(key))
    memory.controls.set(key, found)
    return found
  }

  private isOwn(connector: string, domain: string): boolean {
    const spaces = this.parts.connector(connector)?.addressSpaces ?? []
    return spaces.some((space) => space.kind === 'exact' && space.domain === domain)
  }

  /** A client waits for a while; the question is worth more than that. */
  private waits(): Patience {
    const now = performance.now()
    return { urgentUntil: now + this.patience.turn, until: now + this.patience.question }
  }

  /** One line when it changes; of made-up subdomains one an hour. */
  private tell(name: string, domain: string, host: string, belief: Belief): void {
    const { log } = this.parts
    const now = performance.now()
    if (!this.isOwn(name, domain)) {
      if (now - (this.told.get(name) ?? -Infinity) < hour) return
      this.told.set(name, now)
    }
    const said = belief.kind === 'refuses all' ? `: ${wordsOf(belief.answer)}` : ''
    const text = `verify_recipients: connector ${name}: ${host} ${describeBelief(belief)} (${domain})${said}`
    if (belief.kind === 'tells apart') log.notice(text)
    else log.warn(`${text}; its recipients are accepted unasked`)
  }
}

interface Find {
  readonly memory: ConnectorMemory
  readonly connector: string
  readonly host: AskedHost
  readonly domain: string
}

/** An address of no one and postmaster, in one session. Rejects as the host's `ask` does. */
export async function askControls(
  host: AskedHost,
  domain: string,
  patience: Patience,
): Promise<Controls> {
  const recipients = [`postmaster@${domain}`, `${randomUUID()}@${domain}`]
  const [postmaster, madeUp] = await host.ask(recipients, patience)
  if (!postmaster || !madeUp) throw new NotAskedError('expected two answers, got fewer')
  return { postmaster, madeUp }
}

const crowded: Verification = { kind: 'unknown', reason: 'many questions wait for the host' }

function slow(): Verification {
  return { kind: 'unknown', reason: 'the host has not answered yet; the question goes on' }
}

function unknown(reason: string): Promise<Verification> {
  return Promise.resolve({ kind: 'unknown', reason })
}

function failed(error: unknown): Verification {
  const reason = errorText(error)
  return { kind: 'unknown', reason: error instanceof TargetError ? reason : `a fault: ${reason}` }
}

function domainOf(recipient: string): string {
  return recipient.slice(recipient.lastIndexOf('@') + 1)
}
