/**
 * What one process of the gateway learns of a host's limit, shared with the others (`nodes`): the first
 * process asks all of them what they have open there, and tells each its share (shared-limit.ts).
 *
 *   a process was refused           what is open in all is the limit, divided anew
 *   one has given a session back    who waited for it gets it
 *   one has died or started         divided among those that are there
 *   a minute without a refusal      one more
 *
 * A process that does not answer is taken to have nothing open. Without `nodes`, or when nothing of this
 * gets through, each process goes by what it has learned itself: mail waits for none of it.
 */
import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'

import { errorText } from '../basics/error-text.js'
import type { Deliverer } from '../delivery/deliverer.js'
import {
  SharedLimit,
  type Holder,
  type Share,
  type SharedRefusal,
} from '../delivery/hosts/shared-limit.js'
import type { Processes } from './processes.js'

const topics = {
  refused: 'hosts.refused',
  freed: 'hosts.freed',
  started: 'hosts.started',
  open: 'hosts.open',
  share: 'hosts.share',
} as const

// milliseconds: the refusals of a burst are one; an answer that comes later is of no use
const burst = 30
const patience = 1000
/** hosts that are remembered */
const mostHosts = 1000

type Refusal = SharedRefusal & { readonly host: string }

interface Told {
  readonly host: string
  readonly lesson: number
  readonly shares: readonly (readonly [pid: number, share: Share])[]
}

interface Known {
  readonly limit: SharedLimit
  /** what each process may have by the configuration */
  most: number
  /** the number of the last refusal that was learned from */
  lesson: number
  refusal: SharedRefusal | undefined
  dealing: boolean
  again: boolean
  raise?: NodeJS.Timeout
}

type HostSessions = Pick<Deliverer, 'openWith' | 'useShare' | 'joinOthers'>

/** In every process that takes mail: it tells what it learns, and hears its share. */
export function joinHostLimits(
  processes: Pick<Processes, 'answer' | 'tell'>,
  sessions: HostSessions,
  own = process.pid,
): void {
  processes.answer(topics.open, (host) => sessions.openWith(String(host)))
  processes.answer(topics.share, (value) => {
    const { host, lesson, shares } = value as Told
    for (const [pid, share] of shares)
      if (pid === own) sessions.useShare(host, { ...share, lesson })
  })
  sessions.joinOthers({
    refused: (host, refusal) => {
      processes.tell(topics.refused, { host, ...refusal } satisfies Refusal)
    },
    freed: (host) => processes.tell(topics.freed, host),
  })
  processes.tell(topics.started, own)
}

/** In the first process, which divides. */
export class HostLimits {
  private readonly processes: Pick<Processes, 'ask' | 'hear'>
  private readonly log: { warn(text: string): void }
  private readonly hosts = new Map<string, Known>()
  private lessons = 0

  constructor(processes: Pick<Processes, 'ask' | 'hear'>, log: HostLimits['log']) {
    this.processes = processes
    this.log = log
  }

  /** From now on it hears of them. */
  listen(): void {
    const { processes } = this
    processes.hear(topics.refused, (_, value) => this.refused(value as Refusal))
    processes.hear(topics.freed, (_, host) => this.deal(String(host)))
    processes.hear(topics.started, () => this.processesChanged())
    cluster.on('exit', () => this.processesChanged())
  }

  private refused({ host, ...refusal }: Refusal): void {
    const { most } = refusal
    const known = this.hosts.get(host) ?? {
      limit: new SharedLimit(),
      most,
      lesson: 0,
      refusal: undefined,
      dealing: false,
      again: false,
    }
    known.most = most
    known.refusal = refusal
    if (!this.hosts.has(host) && this.hosts.size >= mostHosts) this.forget()
    this.hosts.set(host, known)
    this.deal(host)
  }

  private forget(): void {
    const [oldest] = this.hosts
    if (!oldest) return
    clearTimeout(oldest[1].raise)
    this.hosts.delete(oldest[0])
  }

  /** One has died or started. */
  processesChanged(): void {
    for (const host of this.hosts.keys()) this.deal(host)
  }

  /** One after the other for each host; what happens meanwhile is dealt with in one more turn. */
  private deal(host: string): void {
    const known = this.hosts.get(host)
    if (!known) return
    known.again = true
    if (known.dealing) return
    known.dealing = true
    this.dealOn(host, known)
      .catch((error: unknown) => this.log.warn(`limit of ${host}: ${errorText(error)}`))
      .finally(() => {
        known.dealing = false
        if (known.again) this.deal(host)
      })
  }

  private async dealOn(host: string, known: Known): Promise<void> {
    while (known.again) {
      if (known.refusal !== undefined) await sleep(burst)
      known.again = false
      await this.dealOnce(host, known)
    }
  }

  private async dealOnce(host: string, known: Known): Promise<void> {
    const { refusal, limit } = known
    known.refusal = undefined
    const answers = await this.processes.ask<Omit<Holder, 'pid'>>(topics.open, host, patience)
    const holders = answers.map((answer): Holder => {
      const counts = answer.ok ? answer.value : { open: 0, opening: 0 }
      return { pid: answer.pid, ...counts }
    })
    const now = performance.now()
    const most = known.most * holders.length
    // who had asked before he heard of the last one was refused for that
    if (refusal && refusal.lesson >= known.lesson) {
      known.lesson = ++this.lessons
      limit.refused(holders, now, most, refusal.reason)
    }
    const shares = [...limit.shares(holders, now, most)]
    const told: Told = { host, lesson: known.lesson, shares }
    await this.processes.ask(topics.share, told, patience)
    clearTimeout(known.raise)
    const at = limit.nextRaise(now, most)
    if (at === undefined) {
      if (!known.again) this.hosts.delete(host)
      return
    }
    known.raise = setTimeout(() => this.deal(host), at - now + 1).unref()
  }
}
