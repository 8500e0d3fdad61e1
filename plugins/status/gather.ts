/**
 * Makes the view out of what is configured, what the processes report, and what waits. Pure.
 */
import type { Configuration } from '../decision/configuration.js'
import { defaultSchedule, mailboxHostSettings } from '../decision/connectors-config.js'
import { RouteTable } from '../decision/route.js'
import type { HostState, Pause } from '../delivery/state.js'
import type { BeliefState } from '../delivery/verify/verifier.js'
import type { DirectorySettings } from '../directory/config.js'
import type { DirectoryState } from '../directory/directory.js'
import { hostsOfMailboxes, mailboxPlace } from '../directory/mailboxes.js'
import type { AddressSpace } from '../mail/address-space.js'
import { placeKey } from '../mail/place.js'
import { formatSmartHost, type SmartHost } from '../mail/smart-host.js'
import { placeLabel, type RecentKey } from '../operations/metrics/mail-metrics.js'
import type { ProcessReport } from '../operations/metrics/process-report.js'
import type {
  CertificateView,
  DirectoryView,
  DiskView,
  DomainView,
  Flow,
  HostView,
  PlaceView,
  StatusView,
  WaitingView,
} from './view.js'

export interface Waiting {
  /** by place key; places by MX together under `outbound` */
  readonly places: ReadonlyMap<string, WaitingView>
  readonly kept: number
  readonly trouble?: string
}

export interface Gathered {
  readonly at: number
  readonly gateway: string
  readonly version: string
  readonly configuration: Configuration
  readonly reports: readonly ProcessReport[]
  readonly processes: StatusView['processes']
  readonly waiting: Waiting
  readonly paused: ReadonlyMap<string, Pause>
  readonly draining?: { readonly since: number }
  readonly disk?: DiskView
  readonly certificates: readonly CertificateView[]
  readonly journalOn: boolean
  readonly journalDropped: number
  readonly peers: readonly string[]
}

export function gather(facts: Gathered): Omit<StatusView, 'problems'> {
  const { configuration, reports, waiting } = facts
  const recent = sumRecent(reports)
  const failed = reports.flatMap(({ reload }) => reload.failed ?? []).sort((a, b) => b.at - a.at)[0]
  return {
    at: facts.at,
    gateway: facts.gateway,
    version: facts.version,
    processes: facts.processes,
    ...(facts.draining && { draining: facts.draining }),
    configuration: {
      since: Math.max(...reports.map(({ reload }) => reload.since), 0) || facts.processes.started,
      ...(failed && { failed }),
    },
    domains: domainsOf(configuration),
    directories: directoriesOf(configuration, reports),
    places: placesOf(facts, recent),
    flows: recent.flows,
    beliefs: beliefsOf(reports),
    kept: waiting.kept,
    ...(waiting.trouble !== undefined && { queueTrouble: waiting.trouble }),
    ...(facts.disk && { disk: facts.disk }),
    certificates: facts.certificates,
    journal: { on: facts.journalOn, dropped: facts.journalDropped },
    peers: facts.peers,
  }
}

/** Each process asks for itself; they hear the same. */
function beliefsOf(reports: readonly ProcessReport[]): readonly BeliefState[] {
  const all = reports.flatMap(({ beliefs }) => beliefs ?? [])
  const byHost = all.map(
    (state) => [`${state.connector}\0${state.host}\0${state.domain}`, state] as const,
  )
  return [...new Map(byHost).values()]
}

interface Recent {
  readonly flows: readonly Flow[]
  readonly attempts: ReadonlyMap<string, PlaceView['recent']>
}

const noAttempts = { delivered: 0, deferred: 0, refused: 0 }

function sumRecent(reports: readonly ProcessReport[]): Recent {
  const sums = new Map<string, number>()
  for (const { recent } of reports) {
    for (const [key, count] of Object.entries(recent)) sums.set(key, (sums.get(key) ?? 0) + count)
  }
  const flows: Flow[] = []
  const attempts = new Map<string, PlaceView['recent']>()
  for (const [text, count] of sums) {
    const key = JSON.parse(text) as RecentKey
    if (key.of === 'decision') {
      const { domain, directory, rule, place } = key
      flows.push({ domain, directory, rule, place, count })
    } else {
      const before = attempts.get(key.place) ?? noAttempts
      attempts.set(key.place, { ...before, [key.outcome]: count })
    }
  }
  return { flows, attempts }
}

function domainsOf({ acceptedDomains, connectors }: Configuration): DomainView[] {
  const routes = new RouteTable(connectors?.connectors.values() ?? [])
  return (acceptedDomains?.domains ?? []).map(({ space, type, observe }) => {
    const route = type === 'authoritative' ? undefined : routes.choose(domainIn(space), false)
    return {
      name: space.name,
      type: observe ? 'observe' : type,
      ...(route?.kind === 'connector' && { connector: route.connector.name }),
    }
  })
}

/** A domain of the space. */
function domainIn({ kind, domain }: AddressSpace): string {
  return kind === 'subdomains' ? `any.${domain}` : domain
}

function directoriesOf(
  { directories }: Configuration,
  reports: readonly ProcessReport[],
): DirectoryView[] {
  return (directories?.directories ?? []).map((settings) => {
    const states = reports.flatMap(({ directories: all }) =>
      all.filter(({ name }) => name === settings.name),
    )
    const [contents] = states
      .flatMap(({ contents: one }) => one ?? [])
      .sort((a, b) => a.asOf - b.asOf)
    const place = placeOfMailboxes(settings)
    return {
      name: settings.name,
      source: sourceOf(settings),
      ...directoryCondition(states),
      ...(place !== undefined && { place }),
      ...(contents && { entries: contents.entries, asOf: contents.asOf }),
      lookups: {
        hits: total(states, 'hits'),
        misses: total(states, 'misses'),
        stale: total(states, 'stale'),
        errors: total(states, 'errors'),
      },
    }
  })
}

function placeOfMailboxes(settings: DirectorySettings): string | undefined {
  const place = mailboxPlace(settings)
  return typeof place === 'object' ? placeKey(place) : undefined
}

function sourceOf(settings: DirectorySettings): string {
  return settings.kind === 'file'
    ? `file ${settings.path}`
    : settings.servers.map(({ url }) => url).join(', ')
}

/** In trouble if one process cannot ask it: its mail waits. */
function directoryCondition(
  states: readonly DirectoryState[],
): Pick<DirectoryView, 'condition' | 'trouble'> {
  const failing = states.find((state) => state.failing)?.failing
  if (failing) return { condition: 'trouble', trouble: failing.reason }
  const fault = states.find(({ contents }) => contents && contents.fault !== '')?.contents?.fault
  if (fault !== undefined) return { condition: 'attention', trouble: fault }
  return { condition: 'well', trouble: '' }
}

function total(states: readonly DirectoryState[], key: keyof DirectoryState['counts']): number {
  return states.reduce((sum, { counts }) => sum + counts[key], 0)
}

interface ConfiguredPlace {
  readonly key: string
  readonly kind: PlaceView['kind']
  readonly name: string
  readonly spaces: readonly string[]
  readonly smartHosts: readonly SmartHost[]
  readonly warnAfter: number
}

function placesOf(facts: Gathered, recent: Recent): PlaceView[] {
  const { configuration, waiting, paused, reports } = facts
  const configured = configuredPlaces(configuration)
  const known = new Set(configured.map(({ key }) => key))
  const active = new Set([...waiting.places.keys(), ...recent.attempts.keys(), ...paused.keys()])
  for (const key of active) if (!known.has(key)) configured.push(unconfigured(key))
  return configured.map(({ smartHosts, ...place }) => {
    const states = reports.flatMap(({ places }) =>
      places.filter((state) => placeLabel(state.place) === place.key),
    )
    const pause = paused.get(place.key)
    const hosts = hostsOf(
      states.map(({ hosts: seen }) => seen),
      place.kind === 'outbound' ? [] : smartHosts,
    )
    return {
      ...place,
      hosts,
      configuredHosts: smartHosts.length > 0,
      waiting: waiting.places.get(place.key) ?? { messages: 0, recipients: 0 },
      ...(pause && { paused: pause }),
      recent: recent.attempts.get(place.key) ?? noAttempts,
      lastReply: states.map(({ lastReply }) => lastReply).find((text) => text !== '') ?? '',
    }
  })
}

function configuredPlaces({ connectors, directories }: Configuration): ConfiguredPlace[] {
  return [
    ...[...(connectors?.connectors.values() ?? [])].map((connector) => ({
      key: `connector:${connector.name}`,
      kind: 'connector' as const,
      name: connector.name,
      spaces: connector.addressSpaces.map(({ name }) => name),
      smartHosts: connector.smartHosts,
      warnAfter: connector.schedule.warnAfter,
    })),
    ...(directories?.directories ?? []).flatMap(hostsOfMailboxes).map(({ host, place }) => {
      const key = placeKey(place)
      return {
        key,
        kind: 'mailbox-host' as const,
        name: key.slice('mailbox-host:'.length),
        spaces: [],
        smartHosts: [host],
        warnAfter: mailboxHostSettings.schedule.warnAfter,
      }
    }),
  ]
}

/** A place by MX, or one that was configured when its mail was queued. */
function unconfigured(key: string): ConfiguredPlace {
  const [kind = '', ...rest] = key.split(':')
  const place = { key, name: rest.join(':'), spaces: [], smartHosts: [] }
  const known =
    kind === 'connector' || kind === 'mailbox-host' || kind === 'local' ? kind : 'outbound'
  return { ...place, kind: known, warnAfter: defaultSchedule.warnAfter }
}

/** Hosts as all processes together see them; those not used yet as they are configured. */
function hostsOf(
  states: readonly (readonly HostState[])[],
  smartHosts: readonly SmartHost[],
): HostView[] {
  const byName = new Map<string, HostState[]>()
  for (const host of states.flat()) {
    byName.set(host.host, [...(byName.get(host.host) ?? []), host])
  }
  if (byName.size > 0) return [...byName].map(([host, seen]) => joinHost(host, seen))
  return smartHosts.map((smartHost) => ({
    host: formatSmartHost(smartHost),
    condition: 'unused',
    reason: '',
    busy: 0,
    idle: 0,
    limit: 0,
  }))
}

/** Left alone only if every process that knows the host says so. */
function joinHost(host: string, seen: readonly HostState[]): HostView {
  const sum = (key: 'busy' | 'idle' | 'limit'): number =>
    seen.reduce((all, one) => all + one[key], 0)
  const alone = seen.every(({ condition }) => condition === 'left-alone')
  const full = seen.find(({ condition }) => condition === 'full')
  const telling = alone ? seen[0] : full
  const untils = seen.flatMap(({ until }) => until ?? [])
  return {
    host,
    condition: alone ? 'left-alone' : full ? 'full' : 'well',
    reason: telling?.reason ?? '',
    ...(alone && untils.length > 0 && { until: Math.min(...untils) }),
    busy: sum('busy'),
    idle: sum('idle'),
    limit: sum('limit'),
  }
}
