/**
 * The nodes and edges of the map, and how a large map is made small enough to read: of a long column
 * the nodes with trouble and with mail stay, the others become one; parallel edges are one. Pure.
 */
import { groupBy } from '../../basics/group-by.js'
import type { Condition } from '../view.js'
import { count } from './words.js'

export interface MapNode {
  readonly id: string
  readonly title: string
  /** the whole name or names */
  readonly full: string
  readonly detail: string
  readonly condition: Condition
  /** recipients of the last minutes that went on from here; absent: not known for it alone */
  readonly figure?: number
  /** what speaks for showing it when not all can be shown */
  readonly count: number
}

export interface MapEdge {
  readonly from: string
  readonly to: string
  readonly count: number
}

export interface FlowMap {
  /** domains, directories, ways out, hosts */
  readonly columns: readonly (readonly MapNode[])[]
  readonly edges: readonly MapEdge[]
}

const mostRows = 14

/** Parallel edges are one. */
export function mergeEdges(edges: readonly MapEdge[]): MapEdge[] {
  return [...groupBy(edges, ({ from, to }) => `${from}\0${to}`).values()].flatMap(
    ([first, ...more]) => (first ? [{ ...first, count: first.count + sum(more) }] : []),
  )
}

/** Of a long column the nodes with trouble and with mail stay; the others become one node. */
export function foldRest(
  columns: readonly (readonly MapNode[])[],
  edges: readonly MapEdge[],
): FlowMap {
  const replaced = new Map<string, string>()
  const folded = columns.map((nodes, index) => {
    if (nodes.length <= mostRows) return nodes
    const shown = new Set([...nodes].sort(byNews).slice(0, mostRows - 1))
    const rest = nodes.filter((node) => !shown.has(node))
    const id = `rest/${index}`
    for (const node of rest) replaced.set(node.id, id)
    const node: MapNode = {
      id,
      title: `${rest.length} more`,
      full: rest.map(({ title }) => title).join(', '),
      detail: restText(rest),
      condition: rest.some(({ condition }) => condition === 'trouble') ? 'trouble' : 'well',
      count: sum(rest),
    }
    return [...nodes.filter((one) => shown.has(one)), node]
  })
  const ids = new Set(folded.flat().map(({ id }) => id))
  const moved = edges.map(({ from, to, count }) => ({
    from: replaced.get(from) ?? from,
    to: replaced.get(to) ?? to,
    count,
  }))
  return {
    columns: folded,
    edges: mergeEdges(moved).filter(({ from, to }) => ids.has(from) && ids.has(to)),
  }
}

function restText(rest: readonly MapNode[]): string {
  const ill = rest.filter(({ condition }) => condition === 'trouble').length
  if (ill > 0) return `${ill} of them in trouble`
  const busy = sum(rest)
  return busy === 0 ? 'nothing to report' : `${count(busy)} recipients`
}

const severity: Readonly<Record<Condition, number>> = {
  trouble: 3,
  attention: 2,
  well: 1,
  unknown: 1,
}

function byNews(a: MapNode, b: MapNode): number {
  return severity[b.condition] - severity[a.condition] || b.count - a.count
}

export function sum(counted: readonly { readonly count: number }[]): number {
  return counted.reduce((all, { count }) => all + count, 0)
}
