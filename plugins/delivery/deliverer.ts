/**
 * Delivery: after 250 nothing is lost, and each recipient has its own fate. This is what the plugin
 * calls; the parts are
 *
 *   direct.ts        after DATA: hands over while the client waits, or queues
 *   queue/           what Haraka's queue brings up again (entry-delivery.ts), and what goes there
 *   dispatcher.ts    a message to the recipients of one place, under the configuration of now
 *   place-sender.ts  from host to host; smtp/ is the client for SMTP and LMTP
 *                    (entry-writer.ts): entries, reports, kept copies
 *   verify/          verify_recipients
 *
 * A client of our own, not nodemailer's: that one has one ORCPT for all recipients, no XCLIENT, does
 * not tell whether the final dot was sent, and its time-outs are for idleness, not for phases.
 */
import { inTime } from '../basics/in-time.js'
import { errorStack, errorText } from '../basics/error-text.js'
import type { ConnectionOptions } from 'node:tls'

import type { EsmtpParameters, HarakaConnection } from '../haraka/haraka.js'
import type { QueueItem } from '../haraka/outbound.js'
import type { FreeSpace } from '../decision/connectors-config.js'
import type { Observe } from '../mail/mail-event.js'
import { placeKey, type Place } from '../mail/place.js'
import type { RoutedRecipient } from './consignment.js'
import type { Reply } from '../mail/reply.js'
import type { SmartHost } from '../mail/smart-host.js'
import type { Verification } from '../mail/verification.js'
import { directPatience, HandOver } from './direct.js'
import { Dispatcher } from './dispatcher.js'
import { literalAddresses } from './hosts/endpoints.js'
import { lessonsOf } from './lessons.js'
import { PlaceSender } from './hosts/place-sender.js'
import { adoptReport, isOurs } from './queue/queue-notes.js'
import { QueueClock } from './queue/clock.js'
import { QueueDisk } from './queue/free-space.js'
import { tidyKeptMail } from './queue/kept-mail.js'
import { EntryDelivery } from './queue/entry-delivery.js'
import { EntryWriter } from './queue/entry-writer.js'
import { Resolver, type Dns } from './hosts/resolver.js'
import type { DeliverySetup } from './setup.js'
import type { HostState, PlaceState } from './state.js'
import { Sessions, type OtherProcesses } from './hosts/sessions.js'
import type { Share } from './hosts/shared-limit.js'
import { directTimeouts } from './smtp/timeouts.js'
import { TargetFinder } from './hosts/target.js'
import { connectorHosts } from './verify/connector-hosts.js'
import { Verifier, type BeliefState } from './verify/verifier.js'

/** Longer than `handOver` ever takes, and below the 300 s of inactivity that end a connection. */
export const handOverSeconds = (directPatience.most + directTimeouts.final) / 1000 + 5

// DNS that is down must not keep the gateway from starting
const selfPatience = 5000

const tidyingInterval = 3_600_000
// when the queue's folder is there
const firstTidying = 5000

/** What tests and commands replace. */
export interface DelivererTools {
  readonly dns?: Dns
  readonly tlsOptions?: ConnectionOptions
}

export class Deliverer {
  private readonly setup: DeliverySetup
  private readonly sessions: Sessions
  private readonly dispatcher: Dispatcher
  private readonly clock: QueueClock
  private readonly disk: QueueDisk
  private readonly tidying: NodeJS.Timeout
  private readonly firstTidying: NodeJS.Timeout
  private readonly finder: TargetFinder
  private readonly directly: HandOver
  private readonly entries: EntryDelivery
  private readonly verifier: Verifier
  private readonly lastAddresses = new Map<string, readonly string[]>()

  constructor(setup: DeliverySetup, tools: DelivererTools = {}) {
    const { gatewayName } = setup
    const { dns, tlsOptions } = tools
    const sessions = new Sessions({
      log: setup.env.log,
      ...(setup.processes !== undefined && { processes: setup.processes }),
    })
    const session = { gatewayName, ...(tlsOptions && { tlsOptions }) }
    this.setup = setup
    this.sessions = sessions
    this.finder = new TargetFinder(setup, new Resolver(dns))
    const sender = new PlaceSender({ sessions, session })
    const learn = lessonsOf({
      sawTaken: (connector, recipient) => this.verifier.sawTaken(connector, recipient),
      log: setup.env.log,
    })
    const observe: Observe = (event) => {
      learn(event)
      setup.observe?.(event)
    }
    const dispatcher = new Dispatcher({ ...setup, observe }, this.finder, sender)
    const writer = new EntryWriter(setup)
    const clock = new QueueClock(setup.outbound, sessions)
    this.dispatcher = dispatcher
    this.clock = clock
    const folder = (): string => setup.outbound.stats().queue_dir
    const { log } = setup.env
    this.disk = new QueueDisk(folder, log)
    const tidy = (): void => void tidyKeptMail(folder, { log, observe: setup.observe })
    this.tidying = setInterval(tidy, tidyingInterval).unref()
    this.firstTidying = setTimeout(tidy, firstTidying).unref()
    this.directly = new HandOver(setup, dispatcher, writer)
    this.entries = new EntryDelivery(setup, { dispatcher, writer, clock })
    this.verifier = new Verifier({
      hosts: connectorHosts({ finder: this.finder, sessions, session }),
      connector: (name) => setup.connector(name),
      log: setup.env.log,
    })
  }

  /**
   * Hooks `queue` and `queue_outbound`: takes the message over for every recipient, or refuses or
   * defers it for all. `parameters` are those of the client's MAIL command. Never rejects.
   */
  async handOver(
    connection: HarakaConnection,
    routed: readonly RoutedRecipient[],
    parameters: EsmtpParameters = {},
  ): Promise<Reply> {
    try {
      return await this.directly.run(connection, routed, parameters)
    } catch (error) {
      const text = errorStack(error)
      this.setup.env.log.crit(`delivery failed: ${text}`)
      return { code: 450, enhanced: '4.3.0', text: 'temporary fault, try again later' }
    }
  }

  /** Hook `send_email`: whether the entry is ours to deliver; else Haraka's outbound does it. */
  isOurs(item: QueueItem): boolean {
    return isOurs(item)
  }

  /** Takes an entry over that is a report of Haraka's own; false: it is something else. */
  adoptReport(item: QueueItem): boolean {
    return adoptReport(item)
  }

  /** Delivers an entry of ours, and tells the item how it ended. Never rejects. */
  deliverQueued(item: QueueItem): Promise<void> {
    return this.entries.run(item)
  }

  /** verify_recipients: does the connector's smart host take the recipient? Never rejects. */
  verify(connector: string, recipient: string): Promise<Verification> {
    const pause = this.setup.paused?.(placeKey({ kind: 'connector', connector }))
    if (!pause) return this.verifier.verify(connector, recipient)
    // its hosts may say anything while somebody works on them
    return Promise.resolve({ kind: 'unknown', reason: `paused: ${pause.reason}` })
  }

  /** What is believed of the hosts that were asked about recipients. */
  beliefs(): readonly BeliefState[] {
    return this.verifier.beliefs()
  }

  /** IP addresses of the connector's smart hosts; the last known ones when DNS is slow or fails. */
  async addressesOf(name: string): Promise<readonly string[]> {
    const connector = this.setup.connector(name)
    if (!connector) return []
    const hosts = [...connector.smartHosts, ...connector.backupHosts]
    const literals = literalAddresses(hosts)
    if (literals) return literals
    const key = `${name}\0${JSON.stringify(hosts)}`
    const found = this.finder.addressesOf(connector).then((addresses) => {
      if (addresses.length > 0) this.lastAddresses.set(key, addresses)
      return this.lastAddresses.get(key) ?? addresses
    })
    return inTime(found, 2000, () => this.lastAddresses.get(key) ?? [])
  }

  /** IP addresses of hosts; none of those that DNS does not tell in time. */
  async addressesOfHosts(smartHosts: readonly SmartHost[]): Promise<readonly string[]> {
    return inTime(this.finder.addressesOf({ smartHosts, backupHosts: [] }), 2000, () => [])
  }

  /** The ways that mail for a place goes from here; see ../loop/tokens.ts. Never rejects. */
  waysTo(place: Place): Promise<readonly string[]> {
    return this.finder.waysTo(place)
  }

  /** Those of the hosts that are this gateway itself, as far as DNS tells within some seconds. */
  selfAmong(hosts: readonly SmartHost[]): Promise<readonly SmartHost[]> {
    return this.finder.selfAmong(hosts, selfPatience)
  }

  /** Whether the queue's disk has too little room to take mail. Answers at once. */
  isDiskLow(floor: FreeSpace): boolean {
    return this.disk.isLow(floor)
  }

  /** Sessions that stand with the host of that key. */
  openWith(host: string): ReturnType<Sessions['openWith']> {
    return this.sessions.openWith(host)
  }

  /** What all processes of this gateway have learned of a host. */
  useShare(host: string, share: Share): void {
    this.sessions.useShare(host, share)
  }

  /** Who tells the other processes of this gateway what this one learns. */
  joinOthers(others: OtherProcesses): void {
    this.sessions.others = others
  }

  /** The hosts that are known now. */
  hosts(): readonly HostState[] {
    return this.sessions.states()
  }

  /** What is going on at each place that mail went to. */
  state(): readonly PlaceState[] {
    const waiting = this.clock.waiting()
    const known = new Map(this.dispatcher.known().map((one) => [one.place, one]))
    return [...new Set([...known.keys(), ...waiting.keys()])].map((place) => {
      const { hosts = [], underWay = 0, lastReply = '' } = known.get(place) ?? {}
      return {
        place,
        hosts: hosts.map((key) => this.sessions.state(key)),
        underWay,
        waiting: waiting.get(place) ?? 0,
        lastReply,
      }
    })
  }

  /** Queue files that wait for a host or a session, or are held back. */
  parked(): readonly string[] {
    return this.clock.parked()
  }

  /** Tries now what waits for the place, or all that waits. */
  release(place?: string): void {
    this.clock.release(place).catch((error: unknown) => {
      this.setup.env.log.error(`letting go failed: ${errorText(error)}`)
    })
  }

  /** Ends idle sessions; those in use end after their message. */
  close(): Promise<void> {
    clearInterval(this.tidying)
    clearTimeout(this.firstTidying)
    this.clock.close()
    this.sessions.close()
    return Promise.resolve()
  }
}
