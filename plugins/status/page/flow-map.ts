/**
 * The map of the mail flow as nodes in four columns and edges between them: accepted domains,
 * directories, ways out, hosts. Drawn from the configuration; the counts are those of the last
 * minutes. Pure.
 *
 * A large configuration stays readable: domains that go the same way are one node, and of each column
 * the nodes that have something to tell are shown, the rest is one line.
 */
import { formatDuration } from '../../config/units.js'
import { groupBy } from '../../basics/group-by.js'
import type {
  Condition,
  DirectoryView,
  DomainView,
  Flow,
  HostView,
  PlaceView,
  StatusView,
} from '../view.js'
import {
  foldRest,
  mergeEdges,
  sum,
  type FlowMap,
  type MapEdge,
  type MapNode,
} from './folded-map.js'
import { count, placeTitle, plural, shorten } from './words.js'

// more of them are grouped by where they go
const mostDomains = 12
const nowhere = 'directory/'

type MapView = Pick<StatusView, 'at' | 'domains' | 'directories' | 'places' | 'flows'>

interface Group {
  readonly id: string
  readonly domains: readonly DomainView[]
  readonly first: DomainView
}

export function flowMap(view: MapView): FlowMap {
  const groups = groupDomains(view.domains)
  const looksUp = groups.some(({ first }) => first.type !== 'relay') && view.directories.length > 0
  const hosts = new Map<string, { readonly host: HostView; readonly places: PlaceView[] }>()
  for (const place of view.places) {
    for (const host of place.hosts) {
      const known = hosts.get(host.host) ?? { host, places: [] }
      known.places.push(place)
      hosts.set(host.host, known)
    }
  }
  const columns = [
    groups.map((group) => domainNode(group, view.flows)),
    [
      ...view.directories.map((directory) => directoryNode(directory, view)),
      ...(looksUp ? [nowhereNode(view)] : []),
    ],
    view.places.map((place) => placeNode(place, view.at)),
    [...hosts.values()].map(({ host, places }) => hostNode(host, places, view.at)),
  ]
  return foldRest(columns, mergeEdges(edgesOf(view, groups, looksUp)))
}

function groupDomains(domains: readonly DomainView[]): Group[] {
  const key = ({ name, type, connector = '' }: DomainView): string =>
    domains.length <= mostDomains ? name : `${type}/${connector}`
  return [...groupBy(domains, key)].flatMap(([id, [first, ...others]]) =>
    first ? [{ id: `domain/${id}`, first, domains: [first, ...others] }] : [],
  )
}

function edgesOf(view: MapView, groups: readonly Group[], looksUp: boolean): MapEdge[] {
  const edges: MapEdge[] = []
  const groupOf = new Map(groups.flatMap((g) => g.domains.map(({ name }) => [name, g] as const)))
  for (const { id, first } of groups) {
    const place = first.connector === undefined ? undefined : `place/connector:${first.connector}`
    if (first.type === 'relay' || !looksUp) {
      if (place !== undefined) edges.push({ from: id, to: place, count: 0 })
      continue
    }
    for (const { name } of view.directories) {
      edges.push({ from: id, to: `directory/${name}`, count: 0 })
    }
    edges.push({ from: id, to: nowhere, count: 0 })
    if (place !== undefined) edges.push({ from: nowhere, to: place, count: 0 })
  }
  for (const { name, place } of view.directories) {
    if (place !== undefined)
      edges.push({ from: `directory/${name}`, to: `place/${place}`, count: 0 })
  }
  for (const { domain, directory, place, count } of view.flows) {
    const group = groupOf.get(domain)
    if (!group) continue
    const to = `place/${place}`
    if (group.first.type === 'relay' || !looksUp) {
      if (place !== '') edges.push({ from: group.id, to, count })
      continue
    }
    const by = directory === '' ? nowhere : `directory/${directory}`
    edges.push({ from: group.id, to: by, count })
    if (place !== '') edges.push({ from: by, to, count })
  }
  for (const { key, hosts, recent } of view.places) {
    for (const { host } of hosts) {
      edges.push({ from: `place/${key}`, to: `host/${host}`, count: recent.delivered })
    }
  }
  return edges
}

function domainNode({ id, first, domains }: Group, flows: readonly Flow[]): MapNode {
  const names = new Set(domains.map(({ name }) => name))
  const own = flows.filter(({ domain }) => names.has(domain))
  const accepted = sum(own.filter(({ place }) => place !== ''))
  const refused = sum(own.filter(({ place }) => place === ''))
  const more = domains.length - 1
  const detail = [
    first.type === 'observe' ? 'shared, observed' : first.type,
    ...(refused > 0 ? [`${count(refused)} refused`] : []),
  ]
  return {
    id,
    title: more === 0 ? first.name : `${shorten(first.name, 18)} + ${more}`,
    full: domains.map(({ name }) => name).join(', '),
    detail: detail.join(' · '),
    condition: 'well',
    figure: accepted,
    count: accepted + refused,
  }
}

function directoryNode(directory: DirectoryView, { flows, at }: MapView): MapNode {
  const { name, condition, trouble, entries, asOf, source } = directory
  const known = sum(flows.filter(({ directory: by }) => by === name))
  const state =
    condition === 'trouble' || condition === 'attention'
      ? trouble
      : entries === undefined
        ? 'asked over the network'
        : `${plural(entries, 'entry', 'entries')}${asOf === undefined ? '' : `, ${formatDuration(at - asOf)} old`}`
  return {
    id: `directory/${name}`,
    title: name,
    full: `${name}: ${source}`,
    detail: state,
    condition,
    figure: known,
    count: known,
  }
}

/** What no directory knows is an answer too: it goes on, or is refused. */
function nowhereNode({ flows, domains }: MapView): MapNode {
  const relayed = new Set(domains.filter(({ type }) => type === 'relay').map(({ name }) => name))
  const own = flows.filter(
    ({ directory, domain }) => directory === '' && domain !== 'other' && !relayed.has(domain),
  )
  const on = sum(own.filter(({ place }) => place !== ''))
  const refused = sum(own) - on
  return {
    id: nowhere,
    title: 'in no directory',
    full: 'recipients that no directory knows: they go to the other system, or are refused',
    detail: refused > 0 ? `passed on · ${count(refused)} refused` : 'passed on',
    condition: 'well',
    figure: on,
    count: on + refused,
  }
}

function placeNode(place: PlaceView, at: number): MapNode {
  const { key, recent, waiting, paused } = place
  const parts = [
    ...(paused ? ['paused'] : []),
    ...(waiting.messages > 0
      ? [
          `${count(waiting.messages)} wait${waiting.messages === 1 ? 's' : ''}, ${formatDuration(at - (waiting.oldest ?? at))}`,
        ]
      : []),
    ...(recent.refused > 0 ? [`${count(recent.refused)} refused`] : []),
  ]
  return {
    id: `place/${key}`,
    title: placeTitle(place),
    full: [placeTitle(place), ...place.spaces].join(' '),
    detail: parts.join(' · ') || 'delivered',
    condition: placeCondition(place),
    figure: recent.delivered,
    count: recent.delivered + recent.refused + waiting.messages,
  }
}

export function placeCondition({ hosts, paused }: PlaceView): Condition {
  const alone = hosts.filter(({ condition }) => condition === 'left-alone').length
  if (alone > 0 && alone === hosts.length) return 'trouble'
  return alone > 0 || paused ? 'attention' : 'well'
}

function hostNode(host: HostView, places: readonly PlaceView[], at: number): MapNode {
  return {
    id: `host/${host.host}`,
    title: host.host.replace(/^([^[/]+)\[[^\]]*\]/u, '$1'),
    full: host.reason === '' ? host.host : `${host.host}: ${host.reason}`,
    detail: hostText(host, at),
    condition: hostCondition(host),
    count: places.reduce((all, { recent }) => all + recent.delivered, 0),
  }
}

export function hostCondition({ condition }: HostView): Condition {
  switch (condition) {
    case 'well':
      return 'well'
    case 'full':
      return 'attention'
    case 'left-alone':
      return 'trouble'
    case 'unused':
      return 'unknown'
  }
}

export function hostText({ condition, busy, limit, until }: HostView, at: number): string {
  switch (condition) {
    case 'well':
      return `answers · ${busy} of ${limit} sessions busy`
    case 'full':
      return `full · ${busy} of ${limit} sessions busy`
    case 'left-alone':
      return until === undefined || until <= at
        ? 'left alone, tried again now'
        : `left alone, next try in ${formatDuration(until - at)}`
    case 'unused':
      return 'no session yet'
  }
}
