/**
 * The counts of all processes as one. What a process counted does not go away with it: when a worker
 * dies and another takes its place, Prometheus would take the smaller sum for a start from zero and
 * count everything a second time. So the last counts of a process that is gone stay in the sum.
 */
import { AggregatorRegistry, type Registry } from 'prom-client'

import type { CountedMetrics } from './mail-metrics.js'

export class GatewayCounts {
  private readonly latest = new Map<number, CountedMetrics>()
  private gone: CountedMetrics = []

  /** The newest counts of a process. */
  update(pid: number, counts: CountedMetrics): void {
    this.latest.set(pid, counts)
  }

  /** The process has ended. */
  async end(pid: number): Promise<void> {
    const last = this.latest.get(pid)
    if (!last) return
    this.latest.delete(pid)
    this.gone = await add([this.gone, last]).getMetricsAsJSON()
  }

  /** The sums, to be written out. */
  sums(): Registry {
    return add([this.gone, ...this.latest.values()])
  }
}

function add(counts: readonly CountedMetrics[]): Registry {
  return AggregatorRegistry.aggregate(counts.map((one) => [...one]))
}
