/** The throughput as a picture: a bar a contestant, one process and two, 4 KB and 20 clients. Pure. */
import { names } from './contestants.js'
import type { Result } from './throughput.js'

const left = 170
const width = 760
const barHeight = 16
const rowHeight = 44
const top = 64
const colours = { limit: '#9aa0a6', other: '#c58b4e', pack: '#2f6f9f' }

export function toSvg(results: readonly Result[]): string {
  const shown = results.filter(({ octets, clients }) => octets === 4096 && clients === 20)
  const rows = Object.values(names).filter((name) => shown.some((one) => one.name === name))
  const most = Math.max(...shown.map(({ rate }) => rate))
  const scale = (width - left - 60) / most
  const height = top + rows.length * rowHeight + 16
  const bars = rows.flatMap((name, row) => {
    const y = top + row * rowHeight
    const own = shown.filter((one) => one.name === name).sort((a, b) => a.nodes - b.nodes)
    return [
      text(left - 10, y + barHeight + 4, name, 'end'),
      ...own.flatMap(({ rate, nodes }, at) => {
        const barTop = y + at * (barHeight + 2)
        const fill = `fill="${colourOf(name)}"${nodes > 0 ? ' fill-opacity="0.55"' : ''}`
        return [
          `<rect x="${left}" y="${barTop}" width="${(rate * scale).toFixed(1)}" height="${barHeight}" ${fill}/>`,
          text(left + rate * scale + 6, barTop + 12, rate.toFixed(0)),
        ]
      }),
    ]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="13">
<title>Messages a second: the pack, Haraka alone, Postfix</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${text(12, 22, 'Messages a second, 4 KB, 20 clients', 'start', ' font-size="16" font-weight="bold"')}
${text(12, 42, 'full: one process; pale: nodes=2; grey: Haraka accepting and dropping; brown: without the pack; blue: with it')}
${bars.join('\n')}
</svg>
`
}

function colourOf(name: string): string {
  if (name === names.limit) return colours.limit
  return name.startsWith('pack') ? colours.pack : colours.other
}

function text(x: number, y: number, words: string, anchor = 'start', more = ''): string {
  return `<text x="${x.toFixed(0)}" y="${y}" text-anchor="${anchor}" fill="#222"${more}>${words}</text>`
}
