/**
 * What one process of Haraka tells the first one about itself: its counts, its hosts, its
 * directories, whether it could take the last change of the configuration into use. Asked for when
 * somebody looks; its counts are also told once a second while they change, so that they are not
 * lost with it.
 */
import type { DirectoryState } from '../../directory/directory.js'
import type { PlaceState } from '../../delivery/state.js'
import type { BeliefState } from '../../delivery/verify/verifier.js'
import { ConnectorsPart } from '../../gateway/connectors-part.js'
import type { Pack } from '../../gateway/pack.js'
import type { FailedReload } from '../../gateway/reading.js'
import { parseMailAddress } from '../../mail/mail-address.js'
import type { Operations } from '../operations.js'
import { Processes } from '../processes.js'
import { MailMetrics, type CountedMetrics } from './mail-metrics.js'

export interface ProcessReport {
  /** milliseconds since 1970 */
  readonly started: number
  readonly counts: CountedMetrics
  /** by `RecentKey` as JSON */
  readonly recent: Readonly<Record<string, number>>
  readonly places: readonly PlaceState[]
  readonly directories: readonly DirectoryState[]
  /** what hosts say about recipients, where they are asked */
  readonly beliefs?: readonly BeliefState[]
  /** lines of the journal */
  readonly journalDropped: number
  readonly reload: { readonly since: number; readonly failed?: FailedReload }
}

export const reportTopic = 'status'
export const countsTopic = 'counts'

// milliseconds
const tellInterval = 1000

/** Counts what happens in this process, and answers who asks. Once a process. */
export function startReporting(operations: Operations): void {
  const { pack } = operations
  const started = Date.now()
  const metrics = new MailMetrics({
    acceptedDomain: (address) => acceptedDomain(pack, address),
    lookups: function* () {
      for (const { name, counts } of pack.directoryStates) {
        yield [name, 'hit', counts.hits]
        yield [name, 'miss', counts.misses]
        yield [name, 'stale', counts.stale]
        yield [name, 'error', counts.errors]
      }
    },
    verifyAnswers: function* () {
      for (const [connector, answers] of ConnectorsPart.existing(pack)?.verifyAnswers ?? []) {
        for (const [answer, count] of answers) yield [connector, answer, count]
      }
    },
    journalDropped: () => operations.journalDropped,
  })
  let changed = true
  pack.observers.add((event, at) => {
    changed = true
    metrics.observe(event, at)
  })
  Processes.here().answer(reportTopic, async (): Promise<ProcessReport> => {
    const { since, failed } = pack.reloadState
    pack.observers.flush()
    return {
      started,
      counts: await metrics.counts(),
      recent: metrics.recentCounts(),
      places: placeStates(pack),
      directories: pack.directoryStates,
      beliefs: ConnectorsPart.existing(pack)?.deliverer.beliefs() ?? [],
      journalDropped: operations.journalDropped,
      reload: { since, ...(failed && { failed }) },
    }
  })
  const tell = async (): Promise<void> => {
    if (!changed) return
    changed = false
    Processes.here().tell(countsTopic, await metrics.counts())
  }
  setInterval(() => {
    tell().catch((error: unknown) => pack.files.log.error(`metrics: ${String(error)}`))
  }, tellInterval).unref()
}

function placeStates(pack: Pack): readonly PlaceState[] {
  return ConnectorsPart.existing(pack)?.placeStates() ?? []
}

function acceptedDomain(pack: Pack, address: string): string | undefined {
  const { acceptedDomains } = pack.configuration
  const domain = parseMailAddress(address)?.domain
  return domain === undefined ? undefined : acceptedDomains?.table.find(domain)?.space.name
}
