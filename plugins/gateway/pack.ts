/**
 * What the plugins of the pack share in one process of Haraka: the configuration in force, the
 * directories, the mail switch over them. It hangs on Haraka's server notes.
 *
 * Each plugin enables its part when it registers. A fault of the configuration then throws, which
 * stops Haraka; after a change of a file it is logged, and the last good configuration stays.
 */
import cluster from 'node:cluster'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import { ConfigError } from '../config/settings.js'
import { openStateFolder } from '../config/state-folder.js'
import type { ConnectorsConfig } from '../decision/connectors-config.js'
import { loadLoopSecrets, watchLoopSecret } from '../loop/secret.js'
import { LoopTokens } from '../loop/tokens.js'
import { clientOf } from './client.js'
import { Harvest } from './harvest.js'
import type { DirectoryConfig } from '../directory/config.js'
import type { DirectoryState } from '../directory/directory.js'
import { openDirectories, type DirectorySet } from '../directory/open.js'
import {
  makeSwitch,
  type Configuration,
  type NextSystems,
  type Part,
} from '../decision/configuration.js'
import type { Client, SwitchParts } from '../decision/mail-switch.js'
import { selfTest, type Listener } from '../haraka/listeners.js'
import type { Pause } from '../delivery/state.js'
import { Tally } from '../decision/tally.js'
import { configFiles, type ConfigFiles } from '../haraka/config-files.js'
import type {
  EsmtpParameters,
  HarakaAddress,
  HarakaConnection,
  HarakaPlugin,
} from '../haraka/haraka.js'
import { describePart } from './describe-part.js'
import { OpenClients } from './open-clients.js'
import { decidedEvent, eventClient, Observers } from './observers.js'
import { readParts, reloadFailed, vanished, type FailedReload } from './reading.js'
import { recipientsOf, type Recipient } from './recipients.js'
import { serverNotes } from '../haraka/server-notes.js'
import { decideWithTarget } from './with-target.js'
import { reportDecision } from './report-decision.js'

interface Loaded extends Configuration {
  readonly loopTokens: LoopTokens | undefined
}

// milliseconds
const tallyInterval = 3_600_000

export class Pack {
  readonly files: ConfigFiles
  /** the name that Haraka itself goes by */
  readonly hostName: string
  readonly listeners: readonly Listener[]
  readonly isSelf: (ip: string, port: number) => boolean
  /** the journal, the metrics: whoever wants to hear what happens to each message */
  readonly observers = new Observers()
  readonly clients = new OpenClients()
  /** what only DNS can tell of a changed configuration: the errors, a line each */
  checkBeforeUse: (configuration: Configuration) => Promise<string[]> = () => Promise.resolve([])
  /** whether a client is one of the systems of the configuration */
  isSystem: (client: Client) => Promise<boolean> = () => Promise.resolve(false)
  /** told when another configuration has come into force */
  inForce: (before: Configuration) => void = () => undefined
  /** whether an administrator holds a place back, by its key */
  paused: (place: string) => Pause | undefined = () => undefined
  private readonly parts = new Set<Part>()
  private readonly harvest = new Harvest()
  private readonly tally = new Tally()
  private readonly tallyTimer: NodeJS.Timeout
  private config: Loaded = {
    acceptedDomains: undefined,
    directories: undefined,
    connectors: undefined,
    loopTokens: undefined,
  }
  private failedReload: FailedReload | undefined
  private inForceSince = Date.now()
  private reloading = Promise.resolve()
  private secretWatch: (() => void) | undefined
  private directories: DirectorySet | undefined
  private nextSystems: NextSystems | undefined
  private switchParts: SwitchParts = { decidesDomains: false, contacts: false }

  private constructor(plugin: HarakaPlugin) {
    this.clients.watch(plugin)
    this.files = configFiles(plugin)
    this.hostName = this.files.value('me') || hostname()
    this.listeners = this.files.smtpIni().listeners
    this.isSelf = selfTest(this.listeners)
    this.tallyTimer = setInterval(() => this.logTally(), tallyInterval).unref()
  }

  /** The pack of this process; the first plugin that asks makes it. */
  static of(plugin: HarakaPlugin): Pack {
    const notes = serverNotes(plugin) as { address_space?: Pack }
    notes.address_space ??= new Pack(plugin)
    return notes.address_space
  }

  get configuration(): Configuration {
    return this.config
  }

  /** How each directory does now, in the order asked. */
  get directoryStates(): DirectoryState[] {
    return this.directories?.states() ?? []
  }

  /** The mail switch in force: for who asks what would be decided. */
  get switch(): SwitchParts {
    return this.switchParts
  }

  /** Since when the configuration is in force, and what was wrong with a later one. */
  get reloadState(): { readonly since: number; readonly failed: FailedReload | undefined } {
    return { since: this.inForceSince, failed: this.failedReload }
  }

  /** The connectors in force. */
  get connectors(): ConnectorsConfig {
    const { connectors } = this.config
    if (!connectors) throw new Error('the connectors plugin is not enabled')
    return connectors
  }

  /** The gateway's id in the loop field, and what bridgeheads are compared with. */
  get gatewayId(): string {
    return this.connectors.gatewayId || this.hostName
  }

  get loopTokens(): LoopTokens {
    const { loopTokens } = this.config
    if (!loopTokens) throw new Error('the connectors plugin is not enabled')
    return loopTokens
  }

  mailboxHost(directory: string, host?: string): ReturnType<DirectorySet['mailboxHost']> {
    return this.directories?.mailboxHost(directory, host)
  }

  /** Reads and checks what the part needs. Throws ConfigError; then nothing has changed. */
  enable(part: Part, nextSystems?: NextSystems): void {
    this.nextSystems = nextSystems ?? this.nextSystems
    const parts = [...this.parts, part]
    this.use(parts, this.read(parts))
    this.parts.add(part)
  }

  /** Decides a recipient, once for each RCPT command, and logs the decision. */
  async decide(
    plugin: HarakaPlugin,
    connection: HarakaConnection,
    [address, parameters]: readonly [HarakaAddress, EsmtpParameters?],
  ): Promise<Recipient | undefined> {
    const { transaction } = connection
    if (!transaction) return undefined
    const known = recipientsOf(transaction).get(address)
    if (known) return known

    const client = clientOf(connection, transaction)
    const asked = { address, parameters, isOurs: this.isOurs }
    const recipient = await decideWithTarget(this.switchParts, client, asked)
    recipientsOf(transaction).set(address, recipient)
    const record = reportDecision(plugin, connection, recipient)
    this.tally.add(record)
    if (this.observers.any) {
      const from = { sender: transaction.mail_from.address, client: eventClient(connection) }
      this.observers.observe(
        decidedEvent(transaction.uuid, record, recipient.decided.decision, from),
      )
    }
    return recipient
  }

  /** Whether a stranger has tried out so many addresses that his session is over; counted. */
  endsHarvest(connection: HarakaConnection): boolean {
    const rules = this.config.acceptedDomains?.harvesting
    if (!rules || !this.harvest.isOver(connection, rules)) return false
    this.tally.addHarvest()
    return true
  }

  /** Settles when a stranger may hear what was decided: at once, but for those who try out addresses. */
  async slowHarvest(connection: HarakaConnection, { decided }: Recipient): Promise<void> {
    const rules = this.config.acceptedDomains?.harvesting
    const { transaction } = connection
    if (!rules || !transaction) return
    const ask = (): Promise<boolean> => this.isSystem(clientOf(connection, transaction))
    const wait = await this.harvest.count(connection, decided.decision.rule, rules, ask)
    if (wait > 0) await sleep(wait)
  }

  /** whether case does not count in the domain's addresses */
  private readonly isOurs = (domain: string): boolean =>
    this.config.acceptedDomains?.table.find(domain) !== undefined

  /** Whether mail of the gateway's own to the domain goes by our rules, and not by its MX. */
  hasRulesFor(written: string): boolean {
    const { decidesDomains, acceptedDomains, connectors } = this.switchParts
    const domain = written.toLowerCase()
    if (!decidesDomains) return false
    if (acceptedDomains?.table.find(domain)) return true
    return connectors?.routes.choose(domain, false).kind === 'connector'
  }

  /** Where mail that the gateway makes itself (a DSN) goes. */
  decideOwn(address: HarakaAddress): Promise<Pick<Recipient, 'decided' | 'target'>> {
    const client = { ip: '', mayRelay: true, nullSender: true }
    return decideWithTarget(this.switchParts, client, { address, isOurs: this.isOurs })
  }

  /** What a plugin says at start: what it loaded. */
  describe(part: Part): string {
    return describePart(part, this.config, () => this.gatewayId)
  }

  async close(): Promise<void> {
    clearInterval(this.tallyTimer)
    this.logTally()
    this.secretWatch?.()
    await this.directories?.close()
  }

  private logTally(): void {
    for (const line of this.tally.take()) this.files.log.notice(line)
  }

  /**
   * Takes the configuration of the files into use, whole or not at all. The loop secret is the last that
   * can fail: a file for it is not made, nor another one watched, before the rest is known to be good.
   */
  private use(parts: readonly Part[], config: Configuration): void {
    const loopTokens = this.takeLoopSecret(config)
    this.directories = this.openDirectories(config.directories)
    this.config = { ...config, loopTokens }
    this.switchParts = makeSwitch(parts, config, this.directories, this.nextSystems)
  }

  private openDirectories(config: DirectoryConfig | undefined): DirectorySet | undefined {
    if (!config) {
      void this.directories?.close()
      return undefined
    }
    this.directories?.reload(config)
    // with workers the first process takes no mail: it need not hold a large file in memory
    const { user, startsWorkers } = this.files.smtpIni()
    const lazy = cluster.isPrimary && startsWorkers
    // one process reads for all
    const replica = cluster.isPrimary ? 'read' : 'follow'
    const stateDir = openStateFolder(this.files, user)
    return this.directories ?? openDirectories(config, this.files, { lazy, stateDir, replica })
  }

  private read(parts: readonly Part[]): Configuration {
    const { files, isSelf } = this
    return readParts(parts, { files, isSelf, changed: () => this.reload() })
  }

  private takeLoopSecret({ connectors }: Configuration): LoopTokens | undefined {
    if (!connectors) return undefined
    const { loopSecretFile: file } = connectors
    const { user } = this.files.smtpIni()
    const isNew = this.config.connectors?.loopSecretFile !== file
    const secrets = loadLoopSecrets(this.files, file, { user, make: isNew })
    if (isNew) {
      this.secretWatch?.()
      this.secretWatch = watchLoopSecret(this.files, file, () => this.reload())
    }
    return new LoopTokens(secrets)
  }

  /** One after the other: the last change is the last that is taken into use. */
  private reload(): void {
    this.reloading = this.reloading.then(() => this.reloadNow())
  }

  private async reloadNow(): Promise<void> {
    const { log } = this.files
    try {
      const parts = [...this.parts]
      const config = this.read(parts)
      const errors = [...vanished(this.config, config), ...(await this.checkBeforeUse(config))]
      if (errors.length > 0) throw new ConfigError(errors)
      const before = this.config
      this.use(parts, config)
      this.inForce(before)
      this.failedReload = undefined
      this.inForceSince = Date.now()
      log.notice('the configuration was read again and is in force')
    } catch (error) {
      this.failedReload = reloadFailed(error, log)
    }
  }
}
