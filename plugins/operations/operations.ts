/**
 * What the administrator sees and does, in one process of Haraka: the journal, the control socket,
 * what is paused. Every plugin of the pack enables it, whichever comes first; it hangs on the pack.
 *
 * The first process keeps the journal's folder within bounds and answers the control socket; with
 * `nodes` it asks the others. Nothing here keeps mail back, and nothing here that fails stops Haraka,
 * but for a faulty address-space.ini at start.
 */
import cluster from 'node:cluster'

import { errorText } from '../basics/error-text.js'
import { ConfigError } from '../config/settings.js'
import { eventClient, type Listener } from '../gateway/observers.js'
import { Pack } from '../gateway/pack.js'
import { refuseStart } from '../gateway/part.js'
import type { HarakaPlugin } from '../haraka/haraka.js'
import type { HarakaOutbound } from '../haraka/outbound.js'
import { hook } from '../haraka/hook.js'
import { carryOn } from '../haraka/replies.js'
import { ConnectorsPart } from '../gateway/connectors-part.js'
import { ControlServer } from './control/control-server.js'
import { Pauses } from './pauses.js'
import { Processes } from './processes.js'
import { messageIdOf } from './queue/adopted-event.js'
import { ProcessQueue } from './queue/process-queue.js'
import { QueueControl } from './queue/queue-control.js'
import { installPaths, type InstallPaths } from './install-paths.js'
import { HostLimits, joinHostLimits } from './host-limits.js'
import { JournalKeeper } from './journal/journal-keeper.js'
import { JournalWriter } from './journal/journal-writer.js'
import {
  operationsFile,
  parseOperationsConfig,
  type OperationsConfig,
} from './operations-config.js'
import { makeOwnedFolder } from './owned-folder.js'

const operationsOf = new WeakMap<Pack, Operations>()

// seconds
const hookSeconds = 10

export class Operations {
  readonly pack: Pack
  readonly paths: InstallPaths
  /** the user that Haraka changes to; empty: it stays who it is */
  readonly user: string
  private current: OperationsConfig
  private writer: JournalWriter | undefined
  private readonly write: Listener = (event, { date }) => this.writer?.add(event, date)
  private readonly keeper: JournalKeeper
  private readonly pauses: Pauses
  /** what is done to the queue; in the first process */
  readonly control: QueueControl
  private server: ControlServer | undefined

  private constructor(plugin: HarakaPlugin) {
    this.pack = Pack.of(plugin)
    const { files, observers, hostName } = this.pack
    this.paths = installPaths(files.configDir, files.value('queue_dir'))
    this.user = files.smtpIni().user
    this.current = this.read()
    this.keeper = new JournalKeeper(this.paths.journal, () => this.current.journal, files.log)
    this.useJournal()
    this.makeControlFolder()
    this.pauses = new Pauses(this.paths.control, files.log, (place) => this.pauseEnded(place))
    this.pack.paused = (place) => this.pauses.paused(place)
    const existing = (): ConnectorsPart | undefined => ConnectorsPart.existing(this.pack)
    this.control = new QueueControl({
      processes: Processes.here(),
      queue: new ProcessQueue(() => plugin.haraka_require('outbound') as HarakaOutbound),
      observe: observers.observe,
      gateway: hostName,
      placeStates: () => existing()?.placeStates() ?? [],
      parked: () => existing()?.parked() ?? [],
      release: (place) => existing()?.release(place),
      refreshPauses: () => this.pauses.refresh(),
      flush: () => this.flushJournal(),
    })
    process.on('exit', () => this.end())
    process.once('SIGTERM', () => this.endBySignal('SIGTERM'))
    if (cluster.isPrimary) this.keeper.start()
    if (cluster.isPrimary && this.sharesHosts) new HostLimits(Processes.here(), files.log).listen()
    registerHooks(plugin)
  }

  /** What is there in this process; the first plugin that asks makes it. Throws ConfigError. */
  static of(plugin: HarakaPlugin): Operations {
    const pack = Pack.of(plugin)
    const operations = operationsOf.get(pack) ?? new Operations(plugin)
    operationsOf.set(pack, operations)
    return operations
  }

  /** Whether other processes of this gateway have sessions with the same hosts. */
  get sharesHosts(): boolean {
    return this.pack.files.smtpIni().processes > 1
  }

  /** address-space.ini as it is in force. */
  get config(): OperationsConfig {
    return this.current
  }

  /** Lines of the journal that this process could not write. */
  get journalDropped(): number {
    return this.writer?.dropped ?? 0
  }

  /** Settles when all that happened so far stands in the journal. Never rejects. */
  async flushJournal(): Promise<void> {
    this.pack.observers.flush()
    await this.writer?.flush()
  }

  async close(): Promise<void> {
    this.keeper.stop()
    this.pauses.stop()
    this.server?.stop()
    this.pack.observers.flush()
    await this.writer?.close()
  }

  /** The first process has started: commands may speak to it. Never rejects. */
  async start(): Promise<void> {
    const { log } = this.pack.files
    for (const [place, { reason, until }] of this.pauses.all()) {
      const end =
        until === undefined ? 'until it is resumed' : `until ${new Date(until).toISOString()}`
      log.warn(`${place} is paused ${end}: ${reason}`)
    }
    this.server = new ControlServer(this.paths.control, log, (request, progress) =>
      this.control.handle(request, progress),
    )
    await this.server.start()
  }

  /** From now on changes on disk are seen. */
  watchPauses(): void {
    this.pauses.start()
  }

  private end(): void {
    this.server?.stop()
    this.pack.observers.flush()
    this.writer?.closeNow()
  }

  private makeControlFolder(): void {
    if (cluster.isPrimary) {
      try {
        makeOwnedFolder(this.paths.control, this.user, 0o700)
      } catch (error) {
        this.pack.files.log.error(
          `${this.paths.control} cannot be made: ${errorText(error)}; mail goes on, commands cannot ask the gateway`,
        )
      }
    }
  }

  /** What waits for the place goes now; the first process tells all. */
  private pauseEnded(place: string): void {
    const { log } = this.pack.files
    if (!cluster.isPrimary) return
    log.notice(`${place} is not paused any more`)
    this.control.retryPlace(place).catch((error: unknown) => {
      log.warn(`what waits for ${place} waits for its next try: ${errorText(error)}`)
    })
  }

  /** Haraka lets the signal end it where it stands; the last lines of the journal go first. */
  private endBySignal(signal: NodeJS.Signals): void {
    this.end()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }

  private read(): OperationsConfig {
    return parseOperationsConfig(this.pack.files.lines(operationsFile, () => this.reload()))
  }

  private reload(): void {
    const { log } = this.pack.files
    try {
      this.current = this.read()
      this.useJournal()
      log.notice(`${operationsFile} was read again and is in force`)
    } catch (error) {
      const lines = error instanceof ConfigError ? error.errors : [errorText(error)]
      for (const line of lines) log.crit(line)
      log.crit(`${operationsFile}: what was read before stays in force`)
    }
  }

  private useJournal(): void {
    const { observers, files } = this.pack
    const { log } = files
    const { journal: folder } = this.paths
    if (!this.current.journal) {
      observers.remove(this.write)
      void this.writer?.close()
      this.writer = undefined
      return
    }
    if (this.writer) return
    try {
      makeOwnedFolder(folder, this.user, 0o750)
    } catch (error) {
      log.error(`journal: ${folder} cannot be made: ${errorText(error)}; mail goes on without it`)
    }
    this.writer = new JournalWriter({ folder, log, user: this.user })
    observers.add(this.write)
  }
}

/** For a plugin's `register`; faults of address-space.ini stop Haraka, all told at once. */
export function enableOperations(plugin: HarakaPlugin): Operations {
  try {
    return Operations.of(plugin)
  } catch (error) {
    throw refuseStart(plugin, error)
  }
}

/** Haraka calls hooks by their names on the plugin, so they are put there. */
function registerHooks(plugin: HarakaPlugin): void {
  Object.assign(plugin, { noteReceived, startOperations, startWorker })
  // before other plugins' hooks: one that answers ends those behind it
  plugin.register_hook('data_post', 'noteReceived', -100)
  plugin.register_hook('init_master', 'startOperations')
  plugin.register_hook('init_child', 'startWorker')
}

const startOperations = hook('init_master', hookSeconds, async ({ plugin }) => {
  const operations = Operations.of(plugin)
  operations.watchPauses()
  await operations.start()
  return carryOn
})

const startWorker = hook('init_child', hookSeconds, ({ plugin }) => {
  const operations = Operations.of(plugin)
  operations.watchPauses()
  const sessions = ConnectorsPart.existing(operations.pack)?.deliverer
  if (sessions && operations.sharesHosts) joinHostLimits(Processes.here(), sessions)
  return carryOn
})

const noteReceived = hook('data_post', hookSeconds, ({ plugin, connection }) => {
  const { transaction } = connection
  const { observers } = Pack.of(plugin)
  if (!transaction || !observers.any) return carryOn
  observers.observe({
    kind: 'received',
    uuid: transaction.uuid,
    sender: transaction.mail_from.address,
    messageId: messageIdOf(transaction.header.get('Message-ID')),
    client: eventClient(connection),
    size: transaction.message_stream.bytes_read,
  })
  return carryOn
})
