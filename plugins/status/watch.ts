/**
 * Watches the gateway from its first process: asks all processes, reads the queue, looks at the disk,
 * and makes the view of it. Who asks within a second gets the same view, so that many readers cost
 * what one does.
 */
import cluster from 'node:cluster'
import { statfs } from 'node:fs/promises'

import { Registry } from 'prom-client'

import { defaultMinFree } from '../decision/connectors-config.js'
import { errorText } from '../basics/error-text.js'
import { readDraining, type Draining } from '../operations/draining.js'
import { GatewayCounts } from '../operations/metrics/gateway-counts.js'
import type { CountedMetrics } from '../operations/metrics/mail-metrics.js'
import {
  countsTopic,
  reportTopic,
  type ProcessReport,
} from '../operations/metrics/process-report.js'
import type { Operations } from '../operations/operations.js'
import { Processes } from '../operations/processes.js'
import { readCertificates } from './certificates.js'
import { gather, type Waiting } from './gather.js'
import { gaugesOf } from './gauges.js'
import { problemsOf } from './problems.js'
import type { QueueSource } from './queue-source.js'
import type { CertificateView, DiskView, StatusView } from './view.js'

// milliseconds
const viewLife = 1000
// the queue is read again after so many times the time that reading it took
const restFactor = 20

export class GatewayWatch {
  private readonly operations: Operations
  private readonly queue: QueueSource
  private readonly version: string
  private readonly started = Date.now()
  private readonly counts = new GatewayCounts()
  private view: { readonly at: number; readonly value: Promise<StatusView> } | undefined
  private readonly texts = new WeakMap<StatusView, Promise<string>>()
  private waiting: Waiting = { places: new Map(), kept: 0 }
  private queueReadAgain = 0

  constructor(operations: Operations, queue: QueueSource, version: string) {
    this.operations = operations
    this.queue = queue
    this.version = version
    Processes.here().hear(countsTopic, (pid, counts) => {
      this.counts.update(pid, counts as CountedMetrics)
    })
    cluster.on('exit', (worker) => void this.ended(worker.process.pid ?? 0))
  }

  /** How the gateway is now. Never rejects. */
  look(): Promise<StatusView> {
    const now = performance.now()
    if (!this.view || now - this.view.at > viewLife) this.view = { at: now, value: this.lookNow() }
    return this.view.value
  }

  /** What was done has to be seen at once. */
  forget(): void {
    this.view = undefined
    this.queueReadAgain = 0
  }

  /** The text that Prometheus reads; once for a view. */
  async metrics(): Promise<string> {
    const view = await this.look()
    const text =
      this.texts.get(view) ?? Registry.merge([this.counts.sums(), gaugesOf(view)]).metrics()
    this.texts.set(view, text)
    return await text
  }

  get draining(): Draining | undefined {
    return readDraining(this.operations.paths.control)
  }

  private async lookNow(): Promise<StatusView> {
    const { pack, paths, config } = this.operations
    const [answers, disk, certificates] = await Promise.all([
      Processes.here().ask<ProcessReport>(reportTopic),
      this.disk(),
      this.certificates(),
      this.readQueue(),
    ])
    const reports = answers.flatMap((answer) => {
      if (!answer.ok) return []
      this.counts.update(answer.pid, answer.value.counts)
      return [answer.value]
    })
    const draining = readDraining(paths.control)
    const seen = gather({
      at: Date.now(),
      gateway: pack.hostName,
      version: this.version,
      configuration: pack.configuration,
      reports,
      processes: {
        expected: this.expected(answers.length),
        answering: reports.length,
        started: this.started,
      },
      waiting: this.waiting,
      paused: this.queue.paused(),
      ...(draining && { draining }),
      ...(disk && { disk }),
      certificates,
      journalOn: config.journal !== undefined,
      journalDropped: reports.reduce((all, { journalDropped }) => all + journalDropped, 0),
      peers: config.status.peers,
    })
    return { ...seen, problems: problemsOf(seen) }
  }

  /** As many as `nodes` says; while Haraka starts one anew, fewer are there. */
  private expected(there: number): number {
    return Math.max(this.operations.pack.files.smtpIni().processes, there)
  }

  private async readQueue(): Promise<void> {
    const started = performance.now()
    if (started < this.queueReadAgain) return
    try {
      this.waiting = await this.queue.waiting()
    } catch (error) {
      this.waiting = { ...this.waiting, trouble: `cannot be read: ${errorText(error)}` }
    }
    const now = performance.now()
    this.queueReadAgain = now + (now - started) * restFactor
  }

  private async disk(): Promise<DiskView | undefined> {
    const { queue: folder } = this.operations.paths
    try {
      const { bavail, blocks, bsize } = await statfs(folder)
      const size = blocks * bsize
      return { folder, free: bavail * bsize, size, floor: this.floor(size) }
    } catch {
      return undefined
    }
  }

  /** Free space below which no new mail is taken. */
  private floor(size: number): number {
    const { percent, octets } =
      this.operations.pack.configuration.connectors?.minFree ?? defaultMinFree
    return percent > 0 ? Math.min((size * percent) / 100, octets) : octets
  }

  private certificates(): Promise<CertificateView[]> {
    const { files, configuration } = this.operations.pack
    const own = String(files.main('tls.ini')['cert'] ?? 'tls_cert.pem')
    return readCertificates(files.configDir, own, configuration)
  }

  private async ended(pid: number): Promise<void> {
    try {
      await this.counts.end(pid)
    } catch (error) {
      this.operations.pack.files.log.error(`metrics: ${errorText(error)}`)
    }
  }
}
