/**
 * The map of the mail flow as an SVG picture. The picture is for eyes: the same is said by the lists
 * beside it, so it is hidden from screen readers. Sizes are in its own units; the page scales it.
 */
import type { FlowMap, MapEdge, MapNode } from './folded-map.js'
import { html, type Html } from './html.js'
import { count, shorten } from './words.js'

const width = 236
const gap = 60
const height = 46
const rowGap = 12
const headHeight = 30
const headings = ['Accepted domains', 'Directories', 'Ways out', 'Hosts']

interface Placed {
  readonly node: MapNode
  readonly x: number
  readonly y: number
}

export function mapSvg(map: FlowMap): Html {
  const rows = Math.max(1, ...map.columns.map((nodes) => nodes.length))
  const full = rows * (height + rowGap) - rowGap
  const places = new Map<string, Placed>()
  map.columns.forEach((nodes, column) => {
    const own = nodes.length * (height + rowGap) - rowGap
    const top = headHeight + (full - own) / 2
    nodes.forEach((node, row) => {
      places.set(node.id, {
        node,
        x: column * (width + gap),
        y: top + row * (height + rowGap),
      })
    })
  })
  const total = 4 * width + 3 * gap
  // what carries mail is drawn over what does not
  const edges = [...map.edges].sort((a, b) => a.count - b.count)
  return html`<svg
    class="map"
    viewBox="-1 0 ${total + 2} ${headHeight + full + 2}"
    aria-hidden="true"
  >
    ${headings.map(
      (heading, column) =>
        html`<text class="map-head" x="${column * (width + gap)}" y="12">${heading}</text>`,
    )}
    ${edges.map((edge) => edgePath(edge, places))} ${[...places.values()].map(nodeBox)}
  </svg>`
}

function edgePath(
  { from, to, count }: MapEdge,
  places: ReadonlyMap<string, Placed>,
): Html | undefined {
  const [start, end] = [places.get(from), places.get(to)]
  if (!start || !end) return undefined
  const [x1, y1] = [start.x + width, start.y + height / 2]
  const [x2, y2] = [end.x, end.y + height / 2]
  const bend = Math.min((x2 - x1) / 2, gap)
  const stroke = count === 0 ? 1 : Math.min(4, 1.5 + Math.log10(count) * 0.8)
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
  const ill = count === 0 ? '' : end.node.condition === 'trouble' ? ' held' : ' mail'
  return html`<path class="edge${ill}" d="${path}" stroke-width="${stroke.toFixed(1)}" />`
}

function nodeBox({ node, x, y }: Placed): Html {
  const { condition, title, full, detail, figure } = node
  return html`<g class="node ${condition}" transform="translate(${x} ${y})">
    <title>${full}</title>
    <rect width="${width}" height="${height}" rx="6" />
    ${mark(condition)}
    <text class="node-title" x="30" y="20">${shorten(title, 25)}</text>
    <text class="node-detail" x="30" y="36"
      >${shorten(detail, figure === undefined ? 31 : 26)}</text
    >
    ${figure !== undefined && html`<text class="node-figure" x="${width - 12}" y="36">${count(figure)}</text>`}
  </g>`
}

/** A shape for each condition, so that it does not depend on colour. */
function mark(condition: MapNode['condition']): Html {
  switch (condition) {
    case 'well':
      return html`<circle class="mark" cx="16" cy="16" r="5" />`
    case 'attention':
      return html`<path class="mark" d="M16 9.5 22.5 21h-13z" />`
    case 'trouble':
      return html`<path class="mark" d="M11 11h10v10H11z" />`
    case 'unknown':
      return html`<circle class="mark" cx="16" cy="16" r="4.5" />`
  }
}
